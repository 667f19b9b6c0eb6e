/* control-server.ts: the server of a pair's control socket; the engine starts one per pair.
 * The socket has mode 0600 in a directory of mode 0700, so only its owner can command the pair.
 * The rule: a path in use by a living engine is never taken over; one left by a dead one is. */
import { chmodSync, lstatSync, mkdirSync, rmSync, rmdirSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { OperatingError, UserError, asHotswapError, errnoOf } from '../errors.js';
import {
  controlSocketPath, maxLineBytes, maxSocketPathBytes, requestSchema,
  type ControlAnswer, type ControlOp,
} from './control-protocol.js';

/** One function per request; what it returns is the answer's `result` (plain JSON). */
export type ControlHandlers = Record<ControlOp, () => unknown | Promise<unknown>>;

export interface ControlServer {
  path: string;
  /** Ends all connections and removes the socket and its directory; twice is fine. */
  close(): Promise<void>;
}

const requestTimeoutMs = 5000;

/** Starts serving. Throws UserError when a living engine has the name already. */
export async function startControlServer(
  runtimeDir: string,
  name: string,
  handlers: ControlHandlers,
): Promise<ControlServer> {
  const path = controlSocketPath(runtimeDir, name);
  if (Buffer.byteLength(path) > maxSocketPathBytes) {
    throw new UserError(
      `control socket ${path} is longer than ${maxSocketPathBytes} bytes: use a shorter ` +
        '--runtime-dir or --name',
    );
  }
  makePrivateDirectory(dirname(path));
  await removeIfDead(path, name);

  const sockets = new Set<Socket>();
  // The client half-closes after its line; the answer must still be sent.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, handlers);
  });
  await listen(server, path);
  return {
    path,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      if (server.listening) await new Promise<void>((done) => server.close(() => done()));
      removeDirectory(dirname(path));
    },
  };
}

function makePrivateDirectory(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const found = lstatSync(dir);
    if (!found.isDirectory() || found.uid !== process.getuid!()) {
      throw new OperatingError(`${dir} is not a directory of this user: remove it`);
    }
    chmodSync(dir, 0o700);
  } catch (error) {
    const reason = errnoOf(error);
    if (reason === undefined) throw error;
    throw new OperatingError(
      `cannot make the runtime directory ${dir} (${reason}): choose another with --runtime-dir`,
      { reason, cause: error },
    );
  }
}

/** A socket that nobody answers on was left behind by an engine that was killed. */
async function removeIfDead(path: string, name: string): Promise<void> {
  const isAlive = await new Promise<boolean>((done) => {
    const probe = createConnection(path);
    probe.once('connect', () => { probe.destroy(); done(true); });
    probe.once('error', () => done(false));
  });
  if (isAlive) {
    throw new UserError(
      `a pair named "${name}" is already running here: stop it, or choose another --name`,
      { reason: 'EADDRINUSE' },
    );
  }
  rmSync(path, { force: true });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', (error) => {
      fail(new OperatingError(`cannot listen on ${path}: ${error.message}`, {
        reason: errnoOf(error), cause: error,
      }));
    });
    // The directory is 0700 already: nobody else can connect before the chmod.
    server.listen(path, () => { chmodSync(path, 0o600); done(); });
  });
}

function serve(socket: Socket, handlers: ControlHandlers): void {
  const chunks: Buffer[] = [];
  let lenBytes = 0;
  let isAnswered = false;
  const answer = (line: string): void => {
    if (isAnswered) return;
    isAnswered = true;
    socket.setTimeout(0);
    void respond(line, handlers).then((reply) => socket.end(`${JSON.stringify(reply)}\n`));
  };
  socket.setTimeout(requestTimeoutMs, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('end', () => answer(Buffer.concat(chunks).toString('utf8')));
  socket.on('data', (chunk: Buffer) => {
    if (isAnswered) return;
    const end = chunk.indexOf(10);
    chunks.push(end < 0 ? chunk : chunk.subarray(0, end));
    lenBytes += chunk.length;
    if (lenBytes > maxLineBytes) socket.destroy();
    else if (end >= 0) answer(Buffer.concat(chunks).toString('utf8'));
  });
}

/** Never rejects: whatever goes wrong becomes an answer. */
async function respond(line: string, handlers: ControlHandlers): Promise<ControlAnswer> {
  try {
    const request = requestSchema.safeParse(parseJson(line));
    if (!request.success) {
      const ops = Object.keys(handlers).join(', ');
      throw new UserError(`the request is not one of ${ops}`, { reason: 'request' });
    }
    return { ok: true, result: (await handlers[request.data.op]()) ?? null };
  } catch (thrown) {
    const error = asHotswapError(thrown);
    return {
      ok: false,
      error: { code: error.code, reason: error.reason, message: error.message },
    };
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function removeDirectory(dir: string): void {
  try {
    rmdirSync(dir);
  } catch {
    // Something of the pair still lies in it (the session's files): theirs to remove.
  }
}
