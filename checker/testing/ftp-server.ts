import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { keep } from '../../test/keep.ts';

/** One control connection of a scripted FTP server, as a script sees it. */
export interface FtpTalk {
  readonly socket: Socket;
  /** Sends a line, or several. */
  say(line: string): void;
  /** Opens a port for one data connection. */
  openPort(): Promise<number>;
  /** The data connection to that port; resolves when it is there. */
  data(): Promise<Socket>;
  /** A whole listing: 150, the text over the data connection, 226. */
  list(text: string): Promise<void>;
}

/** Answers a command; true where it is done with, false for the usual answer. `nth` counts this command so far, from 1. */
export type FtpScript = (talk: FtpTalk, command: string, argument: string, nth: number) => boolean;

export interface ScriptedFtp {
  readonly url: string;
  /** All that was sent, as lines. */
  readonly commands: readonly string[];
  /** Control connections accepted so far, and sockets of both kinds that are open. */
  accepted(): number;
  open(): number;
}

const USUAL: Readonly<Record<string, string>> = {
  USER: '331 Password please',
  PASS: '230 Welcome',
  FEAT: '211-Features:\r\n MLST type*;size*;\r\n211 End',
  TYPE: '200 Fine',
  PWD: '257 "/" is here',
  CWD: '250 There',
  QUIT: '221 Bye',
};

/**
 * An FTP server on bare sockets that answers as usual, but for what `script` does. It lists empty directories, and is
 * closed when the test has finished in which it is started.
 */
export async function scriptedFtp(script: FtpScript): Promise<ScriptedFtp> {
  const sockets = new Set<Socket>();
  const listeners = new Set<Server>();
  const commands: string[] = [];
  const counts = new Map<string, number>();
  let accepted = 0;
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
  };
  const server = createServer({ noDelay: true }, (socket) => {
    accepted++;
    track(socket);
    const talk = talkOn(socket, track, listeners);
    talk.say('220 Hello');
    let rest = '';
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString('latin1')).split('\r\n');
      rest = lines.pop() as string;
      for (const line of lines) {
        commands.push(line);
        const [command, argument] = [line.replace(/ .*/s, ''), line.replace(/^\S+ ?/, '')];
        const nth = (counts.get(command) ?? 0) + 1;
        counts.set(command, nth);
        if (!script(talk, command, argument, nth)) void usual(talk, command);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return keep({
    url: `ftp://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    commands,
    accepted: () => accepted,
    open: () => sockets.size,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      for (const listener of listeners) listener.close();
      server.close();
      await once(server, 'close');
    },
  });
}

async function usual(talk: FtpTalk, command: string): Promise<void> {
  if (command === 'EPSV') talk.say(`229 Extended (|||${await talk.openPort()}|)`);
  else if (command === 'MLSD') await talk.list('type=cdir; .\r\n');
  else talk.say(USUAL[command] ?? '502 What?');
}

function talkOn(socket: Socket, track: (socket: Socket) => void, listeners: Set<Server>): FtpTalk {
  const say = (line: string) => void (socket.writable && socket.write(`${line}\r\n`, 'latin1'));
  let next: Promise<Socket>;
  const openPort = async () => {
    const listener = createServer().listen(0, '127.0.0.1');
    listeners.add(listener);
    next = once(listener, 'connection').then(([data]) => {
      track(data);
      listener.close();
      listeners.delete(listener);
      return data as Socket;
    });
    await once(listener, 'listening');
    return (listener.address() as AddressInfo).port;
  };
  const list = async (text: string) => {
    say('150 Here it comes');
    (await next).end(Buffer.from(text, 'latin1'));
    say('226 Done');
  };
  return { socket, say, openPort, data: () => next, list };
}
