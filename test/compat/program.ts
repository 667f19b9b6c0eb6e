/* program.ts: what a row of the compatibility list says: how a program is installed, started and
 * ended, and what its clients do. One file per program or family in programs/; its default export
 * is a list of these. Everything else (record, replay, pair, kill, overhead) is engine.ts.
 * The rule: a row describes; it holds no code about HotSwap and no expectation of failure. */
import type { LoadClient } from '../../src/bed/load-process.js';
import type { Random } from '../../src/bed/redis-client/random.js';
import type { CompatLoadOptions } from './load.js';
import type { Wire, WireOptions } from './clients/wire.js';

/** One client's conversation, over one connection (or a few) kept as long as the load lasts. */
export interface Session {
  /** One request and its reply, every byte of it verified. Throws Mismatch (clients/wire.ts). */
  exchange(): Promise<void>;
  /** Writes that the server has confirmed so far. */
  acknowledged?: number;
  /** Asked at the end: how many of the confirmed writes are not there as they should be? It may
   * also throw a Mismatch at the first of them. */
  lost?(): Promise<number>;
  /** Ends the conversation; what the server says unasked was verified to be nothing. */
  close(): void | Promise<void>;
}

/** What a session is made from; `wire()` opens a connection to the program. */
export interface SessionContext {
  /** 0, 1, 2 ... of the kept clients; -1 and below for those that come and go. */
  index: number;
  host: string;
  port: number;
  random: Random;
  wire(options?: WireOptions): Promise<Wire>;
  /** The program's own files, as `files` gave them, for replies that are made of them. */
  files: Files;
  /** Common to all sessions of a run, for clients that talk to each other. */
  shared: Map<string, unknown>;
}

/** Path on both hosts (under `folder`, unless absolute) → contents. */
export type Files = Readonly<Record<string, string | Buffer>>;

/** Where a program's files are, on both hosts; also where it is started. */
export const folder = '/srv/compat';

export interface Program {
  /** What `--program` takes; unique. */
  name: string;
  /** One line for the page: which settings, how many processes and threads, what load. */
  what: string;
  /** Debian packages it needs; `npm run compat` installs those that are missing. */
  packages: readonly string[];
  /** A command whose first line of output that has a digit in it is the version. */
  version: readonly string[];
  command: readonly string[];
  port: number;
  files?: Files | (() => Files);
  /** A shell script run once on the primary, in `folder`, before the start; `folder` is then
   * copied to the backup as it is. For databases that have to be made. */
  prepare?: string;
  /** Ends it in good order; default SIGTERM. */
  endSignal?: NodeJS.Signals;
  /** How long it may take until it answers; default 60 s. */
  startMs?: number;
  /** Connections that are kept for the whole run. */
  clients: number;
  /** Further clients that connect, make some exchanges, and connect again; default 0. */
  visitors?: number;
  /** Pause of each client between two exchanges; default 4 ms. */
  thinkMs?: number;
  /** Seconds of load when recorded; default 10. */
  seconds?: number;
  connect?(context: SessionContext): Promise<Session>;
  /** In place of `connect`: a client that is there already, and knows more than sessions. */
  load?(options: CompatLoadOptions): LoadClient;
  /** False where a rate says nothing. Default true. */
  hasOverhead?: boolean;
  /** What happened when it was first tried, if not all was well, in a sentence for the page. */
  first?: string;
  /** A limit that is known and whose cause is, in a sentence for the page. */
  limits?: readonly string[];
}
