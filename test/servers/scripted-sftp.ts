import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type Sshd, startSshd } from './sshd.ts';

/** Of the requests of SFTP 3 (draft-ietf-secsh-filexfer-02, 3), those that a script is asked. */
const REQUESTS: Readonly<Record<number, string>> = {
  3: 'open',
  4: 'close',
  5: 'read',
  8: 'fstat',
  11: 'opendir',
  12: 'readdir',
  13: 'remove',
  17: 'stat',
  19: 'readlink',
};
const [INIT, VERSION, STATUS, HANDLE, DATA, NAME, ATTRS] = [1, 2, 101, 102, 103, 104, 105];
const [HAS_SIZE, HAS_MODE] = [1, 4];
const MODES = { file: 0o100644, directory: 0o40755, symlink: 0o120777, device: 0o60600 };

/** What a listing shows of a name; a name alone comes without attributes. One character for each byte. */
export type SftpName =
  | string
  | { readonly name: string; readonly type: keyof typeof MODES; readonly sizeBytes?: number };

/** What is answered to a request; null = nothing. */
export type SftpAnswer =
  | { readonly status: number; readonly said?: string }
  | { readonly names: readonly SftpName[] }
  /** One name whose length is more than what is left. */
  | 'endless name'
  /** Attributes without a size. */
  | 'sizeless'
  | { readonly data: Buffer }
  | { readonly sizeBytes: number }
  | 'handle'
  | 'cut'
  | null;

/** `nth` counts requests of this name so far, from 1; `path` is that of the request, or of what its handle was opened for. */
export type SftpScript = (request: string, nth: number, path: string) => SftpAnswer;

/** An OpenSSH server whose SFTP is what `script` says. */
export async function startScriptedSftp(script: SftpScript): Promise<Sshd> {
  const sockets = new Set<Socket>();
  const counts = new Map<string, number>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    let rest = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0)) {
        const packet = rest.subarray(4, 4 + rest.readUInt32BE(0));
        rest = rest.subarray(4 + packet.length);
        const answer = answerTo(packet);
        if (answer === 'cut') socket.destroy();
        else if (answer !== null) socket.write(framed(answer));
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  function answerTo(packet: Buffer): Buffer | 'cut' | null {
    if (packet[0] === INIT) return Buffer.concat([Buffer.of(VERSION), uint32(3)]);
    const request = REQUESTS[packet[0] as number] ?? 'other';
    const nth = (counts.get(request) ?? 0) + 1;
    counts.set(request, nth);
    // A handle is the path that it was opened for.
    const path = packet.length < 9 ? '' : packet.toString('utf8', 9, 9 + packet.readUInt32BE(5));
    const answer = script(request, nth, path);
    return answer === null || answer === 'cut' ? answer : encoded(answer, packet.subarray(1, 5), path);
  }
  const sshd = await startSshd({ sftpPort: (server.address() as AddressInfo).port });
  return {
    ...sshd,
    close: async () => {
      await sshd.close();
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

function encoded(answer: Exclude<SftpAnswer, null | 'cut'>, id: Buffer, path: string): Buffer {
  const packet = (type: number, ...parts: Buffer[]) => Buffer.concat([Buffer.of(type), id, ...parts]);
  if (answer === 'endless name') return packet(NAME, uint32(1), uint32(2 ** 31), Buffer.alloc(8));
  if (answer === 'sizeless') return packet(ATTRS, uint32(HAS_MODE), uint32(MODES.directory));
  if (answer === 'handle') return packet(HANDLE, framed(Buffer.from(path)));
  if ('status' in answer) {
    return packet(STATUS, uint32(answer.status), framed(Buffer.from(answer.said ?? 'said')), uint32(0));
  }
  if ('data' in answer) return packet(DATA, framed(answer.data));
  if ('sizeBytes' in answer) return packet(ATTRS, uint32(HAS_SIZE), uint32(0), uint32(answer.sizeBytes));
  return packet(NAME, uint32(answer.names.length), ...answer.names.flatMap(entry));
}

/** Name, the line that people read, attributes. */
function entry(told: SftpName): Buffer[] {
  if (typeof told === 'string') return [framed(Buffer.from(told, 'latin1')), uint32(0), uint32(0)];
  const { name, type, sizeBytes } = told;
  const size = sizeBytes === undefined ? [] : [uint32(Math.floor(sizeBytes / 2 ** 32)), uint32(sizeBytes % 2 ** 32)];
  const flags = HAS_MODE + (sizeBytes === undefined ? 0 : HAS_SIZE);
  return [framed(Buffer.from(name, 'latin1')), uint32(0), uint32(flags), ...size, uint32(MODES[type])];
}

function framed(bytes: Buffer): Buffer {
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
