import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { startDaemon } from './daemon.ts';
import { freePort } from './free-port.ts';

/** A server that holds a port and starts a child of its own, which holds another. */
const SERVER = `
  const { createServer } = require('node:net');
  const [port, childPort] = process.argv.slice(1);
  createServer().listen(+port, '127.0.0.1');
  if (childPort) require('node:child_process').spawn(process.execPath, ['-e', process.env.SERVER, childPort], { stdio: 'ignore' });
  process.on('SIGTERM', () => { if (process.env.STUBBORN === undefined) process.exit(); });
`;
const command = (...ports: number[]) =>
  ['env', `SERVER=${SERVER}`, process.execPath, '-e', SERVER, ...ports.map(String)] as const;

function isRefused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(true));
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
  });
}

it('is ready when it returns, and gone with its children when it is closed', async () => {
  const ports = [await freePort(), await freePort()] as const;
  const daemon = await startDaemon({ command: command(...ports), ports });
  expect(await Promise.all(ports.map(isRefused))).toEqual([false, false]);
  await daemon.close();
  expect(await isRefused(ports[0])).toBe(true);
  await expect.poll(() => isRefused(ports[1]), { timeout: 1000 }).toBe(true);
  await daemon.close();
});

it('ends by force what does not go when it is asked', async () => {
  const port = await freePort();
  const daemon = await startDaemon({ command: ['env', 'STUBBORN=y', ...command(port)], ports: [port] });
  await daemon.close();
  expect(await isRefused(port)).toBe(true);
});

it('tells what a program said that ends at once, and that there is no such program', async () => {
  const ports = [await freePort()];
  await expect(startDaemon({ command: ['sh', '-c', 'echo no config >&2; exit 3'], ports })).rejects.toThrow(
    'sh did not start: ended with 3; it said "no config\\n"',
  );
  await expect(startDaemon({ command: ['no-such-server'], ports })).rejects.toThrow(
    /no-such-server did not start: ended with 127; it said .*not found/,
  );
});

it('does not outlive the process that started it, even one that is killed', async () => {
  const port = await freePort();
  const starter = `const { startDaemon } = await import(process.argv[1]);
    await startDaemon({ command: JSON.parse(process.argv[2]), ports: [${port}] });
    console.log('ready');
    setInterval(() => {}, 1000);`;
  const module = new URL('./daemon.ts', import.meta.url).href;
  const args = ['--import', 'tsx', '--input-type=module', '-e', starter, module, JSON.stringify(command(port))];
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout as NodeJS.EventEmitter, 'data');
  expect(await isRefused(port)).toBe(false);
  child.kill('SIGKILL');
  await once(child, 'close');
  await expect.poll(() => isRefused(port), { timeout: 5000 }).toBe(true);
});
