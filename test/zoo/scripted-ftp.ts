import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Started } from './behaviour.ts';
import type { ZooTree } from './zoo-tree.ts';

/** One listing under way. */
export interface FtpTransfer {
  readonly control: Socket;
  readonly data: Socket;
  /** What MLSD shows of the current directory of a mirror with the copy, one character for each byte. */
  readonly listing: string;
  /** Sends all of it, with the answers before and after. */
  send(listing: string): void;
}

export interface FtpScript {
  /** Answers a command itself: true = it has answered. */
  readonly answer?: (control: Socket, command: string, argument: string) => boolean;
  readonly transfer?: (transfer: FtpTransfer) => void;
  /** The answer to PASV for a port on which data are waited for; EPSV is then not known. */
  readonly passive?: (port: number) => string;
  readonly onConnect?: (control: Socket) => void;
}

/** An FTP server on bare sockets that knows MLSD (RFC 3659) and EPSV (RFC 2428). */
export function scriptedFtp(script: FtpScript): (zoo: ZooTree) => Promise<Started> {
  return async (zoo) => {
    const sockets = new Set<Socket>();
    const listeners = new Set<Server>();
    const listen = async (onSocket: (socket: Socket) => void): Promise<number> => {
      const server = createServer({ noDelay: true }, (socket) => {
        sockets.add(socket);
        socket.on('close', () => sockets.delete(socket)).on('error', () => {});
        onSocket(socket);
      }).listen(0, '127.0.0.1');
      listeners.add(server);
      await once(server, 'listening');
      return (server.address() as AddressInfo).port;
    };
    const port = await listen((control) => new FtpConnection(zoo, script, control, listen).begin());
    return {
      url: `ftp://127.0.0.1:${port}/`,
      open: () => sockets.size,
      close: async () => {
        for (const socket of sockets) socket.destroy();
        for (const server of listeners) server.close();
      },
    };
  };
}

class FtpConnection {
  readonly #zoo: ZooTree;
  readonly #script: FtpScript;
  readonly #control: Socket;
  readonly #listen: (onSocket: (socket: Socket) => void) => Promise<number>;
  #directory = '';
  #data: Promise<Socket> = new Promise(() => {});

  constructor(
    zoo: ZooTree,
    script: FtpScript,
    control: Socket,
    listen: (onSocket: (socket: Socket) => void) => Promise<number>,
  ) {
    this.#zoo = zoo;
    this.#script = script;
    this.#control = control;
    this.#listen = listen;
  }

  begin(): void {
    if (this.#script.onConnect) this.#script.onConnect(this.#control);
    else this.#say('220 Ready');
    let rest = '';
    this.#control.on('data', (chunk) => {
      const lines = (rest + chunk.toString('latin1')).split('\r\n');
      rest = lines.pop() as string;
      for (const line of lines) void this.#obey(line.split(' ', 1)[0] as string, line.replace(/^\S* ?/, ''));
    });
  }

  #say(line: string): void {
    if (!this.#control.destroyed) this.#control.write(`${line}\r\n`, 'latin1');
  }

  async #obey(command: string, argument: string): Promise<void> {
    const { answer, passive } = this.#script;
    if (answer?.(this.#control, command, argument)) return;
    if (command === 'USER') this.#say('331 Password?');
    else if (command === 'PASS') this.#say('230 Welcome');
    else if (command === 'FEAT') this.#say('211-Features\r\n MLST type*;size*;\r\n211 End');
    else if (command === 'PWD') this.#say('257 "/"');
    else if (command === 'TYPE') this.#say('200 Binary');
    else if (command === 'CWD') this.#enter(argument);
    else if (command === 'EPSV' && passive === undefined) this.#say(`229 Here (|||${await this.#open()}|)`);
    else if (command === 'PASV' && passive !== undefined) this.#say(passive(await this.#open()));
    else if (command === 'MLSD') this.#transfer(await this.#data);
    else this.#say('502 Not known');
  }

  #enter(path: string): void {
    const directory = path.replace(/^\/+|\/+$/g, '');
    const found = this.#zoo.served.lookup(directory);
    const isThere = found?.isDirectory === true && this.#zoo.holdings(directory, found) !== null;
    if (isThere) this.#directory = directory;
    this.#say(isThere ? '250 Done' : '550 No such directory');
  }

  async #open(): Promise<number> {
    let onSocket: (socket: Socket) => void = () => {};
    this.#data = new Promise((resolve) => {
      onSocket = resolve;
    });
    return this.#listen((socket) => onSocket(socket));
  }

  #transfer(data: Socket): void {
    this.#say('150 Here it comes');
    const control = this.#control;
    const send = (listing: string) => {
      data.end(listing, 'latin1');
      this.#say('226 Done');
    };
    const listing = this.#listing();
    if (this.#script.transfer) this.#script.transfer({ control, data, listing, send });
    else send(listing);
  }

  #listing(): string {
    const { served, holdings } = this.#zoo;
    const prefix = this.#directory === '' ? '' : `${this.#directory}/`;
    const lines = served.namesIn(served.lookup(this.#directory)?.end ?? '').flatMap((name) => {
      const child = served.lookup(prefix + name);
      const copy = child && holdings(prefix + name, child);
      if (!child || !copy) return [];
      return [`${child.isDirectory ? 'type=dir;' : `type=file;size=${copy.sizeBytes};`} ${name}\r\n`];
    });
    return `type=cdir; .\r\n${lines.join('')}`;
  }
}
