// tls.ts: brings a channel up over TCP with TLS 1.3 and a pre-shared key, from either side.
// The rule: the key is the only credential. There are no certificates; a peer that shows one
// instead of proving the key is refused, and so is any TLS but 1.3.

import { isIP } from 'node:net';
import {
  connect as tlsConnect,
  createServer,
  type Server,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';

import { errnoOf } from '../errors.js';
import { Channel, withDefaults, type Attach, type ChannelSettings } from './channel.js';
import { ChannelError } from './errors.js';

const IDENTITY = 'hotswap';
const PSK_TLS = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  // A pre-shared key is bound to a hash; OpenSSL takes SHA-256 for keys given by callback.
  ciphers: 'TLS_AES_128_GCM_SHA256',
  highWaterMark: 0x40000,
} as const;

const NO_KEY = new Error('no pre-shared key used');

export interface Endpoint {
  host: string;
  port: number;
}

export interface ListenOptions extends ChannelSettings, Endpoint {
  /** 32 bytes, of readKeyFile. */
  key: Buffer;
  /** Connections at a time; more are dropped at once. */
  maxConnections?: number;
  /** A connection that never became a channel: wrong key, wrong version, not an engine. */
  onRejected?: (error: ChannelError) => void;
}

export interface ConnectOptions extends ChannelSettings, Endpoint {
  key: Buffer;
  /** Attempts while nobody answers; a peer that answers and refuses ends it at once. */
  attempts?: number;
  /** Pause between two attempts. */
  retryMs?: number;
  signal?: AbortSignal;
}

/** The listening side. */
export class ChannelServer {
  /** Connections that never became a channel. */
  rejected = 0;
  readonly #server: Server;
  readonly #sockets = new Set<TLSSocket>();

  constructor(server: Server, sockets: Set<TLSSocket>) {
    this.#server = server;
    this.#sockets = sockets;
  }

  /** The address listened on, with the real port when 0 was asked for. */
  get address(): Endpoint {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') return { host: '', port: 0 };
    return { host: address.address, port: address.port };
  }

  /** Takes no more connections. Channels that are up stay up; each is closed by its owner. */
  close(): void {
    this.#server.close();
  }

  /** Takes no more connections and cuts those that are there. */
  destroy(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

/**
 * Listens for engines. `attach` is called for each channel whose handshake is done. Rejects with
 * ChannelError `listen-failed`.
 */
export function listen(options: ListenOptions, attach: Attach): Promise<ChannelServer> {
  const { key, host, port, onRejected, maxConnections = 8 } = options;
  const settings = withDefaults(options);
  const tlsOptions: TlsOptions & { highWaterMark: number } = {
    ...PSK_TLS,
    noDelay: true,
    handshakeTimeout: settings.handshakeMs,
    pskCallback: (_socket, identity) => (identity === IDENTITY ? key : null),
  };
  const sockets = new Set<TLSSocket>();
  const server = createServer(tlsOptions);
  server.maxConnections = maxConnections;
  const result = new ChannelServer(server, sockets);
  const reject = (error: ChannelError) => {
    result.rejected++;
    onRejected?.(error);
  };
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    if (!provedKey(socket)) {
      socket.on('error', () => {}).destroy();
      return reject(wrongKey(remoteOf(socket), NO_KEY));
    }
    new Channel(socket, settings, attach, (error) => error && reject(error));
  });
  server.on('tlsClientError', (error, socket) => {
    const remote = remoteOf(socket);
    socket.destroy(); // Node leaves one that ran out of time open
    if (isRefusal(error)) return reject(wrongKey(remote, error));
    const text = `${remote} left during the TLS handshake`;
    reject(new ChannelError('lost', text, { cause: error }));
  });
  return new Promise((resolve, fail) => {
    server.once('error', (cause) => {
      const text = `cannot listen on ${host}:${port} (${errnoOf(cause)}): check --listen`;
      fail(new ChannelError('listen-failed', text, { cause }));
    });
    server.listen({ host, port }, () => resolve(result));
  });
}

/**
 * Connects to an engine and resolves when the handshake is done; `attach` is called just before.
 * Rejects with ChannelError: `unreachable` when all attempts are used up, otherwise what refused.
 */
export async function connect(options: ConnectOptions, attach: Attach): Promise<Channel> {
  const { host, port, attempts = 50, retryMs = 200, signal } = options;
  let last: ChannelError | undefined;
  for (let attempt = 1; attempt <= attempts; attempt++) {
    if (signal?.aborted) break;
    try {
      return await connectOnce(options, attach);
    } catch (error) {
      if (!isPassing(error)) throw error;
      last = error;
    }
    if (attempt < attempts) await pause(retryMs, signal);
  }
  const tried = signal?.aborted ? 'the wait was ended' : `${attempts} attempts`;
  const why = last ? `: ${last.message}` : '';
  throw new ChannelError('unreachable', `no channel to ${host}:${port} after ${tried}${why}`, {
    cause: last,
  });
}

/** A fault another attempt may not meet: nobody there yet, or gone in the middle. */
function isPassing(error: unknown): error is ChannelError {
  return error instanceof ChannelError && /^(unreachable|lost)$/.test(error.reason);
}

function connectOnce(options: ConnectOptions, attach: Attach): Promise<Channel> {
  const { host, port, key, signal } = options;
  const settings = withDefaults(options);
  const remote = `${host}:${port}`;
  return new Promise((resolve, reject) => {
    const socket = tlsConnect({
      ...PSK_TLS,
      host,
      port,
      // No name to check: the key is checked, below, and no authority is trusted.
      ca: [],
      servername: isIP(host) ? '' : host,
      pskCallback: () => ({ psk: key, identity: IDENTITY }),
      checkServerIdentity: () => undefined,
    });
    socket.setNoDelay(true);
    let failure: Error | undefined;
    const abort = () => socket.destroy();
    const timer = setTimeout(abort, settings.handshakeMs);
    const settleDown = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    };
    const onError = (error: Error) => (failure = error);
    const onClose = () => {
      settleDown();
      reject(isRefusal(failure) ? wrongKey(remote, failure) : unreachable(remote, failure));
    };
    signal?.addEventListener('abort', abort, { once: true });
    socket.on('error', onError);
    socket.on('close', onClose);
    socket.on('secureConnect', () => {
      if (!provedKey(socket)) {
        socket.destroy(NO_KEY);
        return;
      }
      settleDown();
      socket.off('error', onError);
      socket.off('close', onClose);
      const channel: Channel = new Channel(socket, settings, attach, (error) =>
        error ? reject(error) : resolve(channel),
      );
    });
  });
}

/** OpenSSL counts an accepted pre-shared key as a resumed session; a certificate never is one. */
function provedKey(socket: TLSSocket): boolean {
  return socket.isSessionReused() && Object.keys(socket.getPeerCertificate()).length === 0;
}

function remoteOf(socket: TLSSocket): string {
  return socket.remoteAddress ? `${socket.remoteAddress}:${socket.remotePort}` : 'a peer that left';
}

/** TLS came to an end by an alert of either side; a mere reset is a peer that left or died. */
function isRefusal(error: Error | undefined): error is Error {
  if (!error) return false;
  const code = 'code' in error ? String(error.code) : '';
  return code.startsWith('ERR_SSL') || error === NO_KEY;
}

function wrongKey(remote: string, cause: Error): ChannelError {
  const why = 'reason' in cause ? String(cause.reason) : cause.message;
  return new ChannelError(
    'wrong-key',
    `TLS with ${remote} was refused (${why}): the keys differ, or it is no engine of HotSwap`,
    { cause },
  );
}

function unreachable(remote: string, cause: Error | undefined): ChannelError {
  const why = cause ? (errnoOf(cause) ?? cause.message) : 'no answer in time';
  return new ChannelError('unreachable', `${remote} cannot be reached (${why})`, { cause });
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
