// The limit for a client in JavaScript: HEAD requests written to bare sockets, answers counted by their blank lines.
//   node bare-head.mjs ORIGIN FILE-OF-PATHS [CONNECTIONS] [DEPTH]
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

const [origin, file, connections = '4', depth = '256'] = process.argv.slice(2);
const { hostname, port } = new URL(origin);
const paths = readFileSync(file, 'utf8').trimEnd().split('\n');
const END = Buffer.from('\r\n\r\n');
let answered = 0;

function run(first) {
  let asked = first;
  let done = first;
  const step = Number(connections);
  return new Promise((resolve, reject) => {
    const open = () => {
      const socket = connect(Number(port), hostname);
      let tail = Buffer.alloc(0);
      const fill = () => {
        let text = '';
        while (asked < paths.length && (asked - done) / step < Number(depth)) {
          text += `HEAD ${paths[asked]} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`;
          asked += step;
        }
        if (text !== '') socket.write(text);
      };
      socket.on('connect', fill);
      socket.on('data', (chunk) => {
        const bytes = tail.length > 0 ? Buffer.concat([tail, chunk]) : chunk;
        let from = 0;
        for (let at = bytes.indexOf(END); at >= 0; at = bytes.indexOf(END, from)) {
          from = at + END.length;
          done += step;
          answered++;
        }
        tail = bytes.subarray(from);
        if (done >= paths.length) socket.destroy();
        else fill();
      });
      socket.on('error', reject);
      socket.on('close', () => {
        if (done >= paths.length) return resolve();
        // Cut after so many requests: what was not answered is asked again.
        asked = done;
        open();
      });
    };
    open();
  });
}

await Promise.all(Array.from({ length: Number(connections) }, (_, i) => run(i)));
console.log(answered);
