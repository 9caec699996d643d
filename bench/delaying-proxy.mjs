// A TCP proxy that holds back every byte for so long, in each direction. Prints its port.
//   node delaying-proxy.mjs TARGET-PORT DELAY-MS
import { connect, createServer } from 'node:net';

const [targetPort, delayMs] = process.argv.slice(2).map(Number);

/** Bytes keep their order: equal delays are timers of one list. */
function forward(from, to) {
  from.on('data', (chunk) => setTimeout(() => to.destroyed || to.write(chunk), delayMs));
  from.on('end', () => setTimeout(() => to.end(), delayMs));
  from.on('error', () => {});
  // What is still to be sent is sent.
  from.on('close', () => setTimeout(() => to.destroySoon(), delayMs));
}

const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  // The handshake is answered at once by this machine: its round trip is waited for here.
  const target = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  client.pause();
  setTimeout(() => client.resume(), 2 * delayMs);
  forward(client, target);
  forward(target, client);
}).listen(0, '127.0.0.1', () => console.log(server.address().port));
