/* session.ts: one replicated application on this host: its shared memory, and hs-start with the
 * program in it. Made by the main thread; the worker that moves records maps the same memory.
 * The rule: control is filled before hs-start is spawned, and whatever way a command ends, the
 * program has ended and the memory is gone. */
import { spawn, type ChildProcess } from 'node:child_process';
import { constants, hostname } from 'node:os';
import { closeFd, createMemory } from 'bpf-loader';
import { CALL_TABLE_HASH } from '../calls/calls.gen.js';
import { layout } from '../channel/index.js';
import { HotswapError, NotReplicable, OperatingError, errnoOf } from '../errors.js';
import { builtFile } from '../installation.js';
import type { ProgramEnd, ProgramStart } from './options.js';
import { SessionMap } from './ring.js';
import type { StandstillBound } from './standstill.js';

const { CONTROL, SIZES } = layout;

/** What both copies of a program start with. */
export interface SessionFacts {
  mode: number;
  commit: number;
  files: number;
  flags: number;
  seed: bigint;
  hostname: string;
  startRealNs: bigint;
  ringBytes: number;
  maxLagBytes: number;
  ids: { uid: number; gid: number; euid: number; egid: number };
}

/** Descriptors of the enforcement program's maps, which hs-start hands to the shim. */
export interface MapFds {
  settings: number;
  slots: number;
  index: number;
  free: number;
}

/** Parts that a test puts in the place of the real ones. */
export interface Parts {
  /** The launcher; default: shim/build/hs-start of this installation. */
  starter?: string;
  ringBytes?: number;
  /** No address and no enforcement: the pair moves records and nothing else. */
  isWithoutNetwork?: boolean;
  /** Only the launcher's own hash is refused by the launcher: a test can make two tables. */
  tableHash?: number;
  /** When a copy stands still. */
  standstill?: StandstillBound;
}

export const thisTableHash = (parts: Parts): number => parts.tableHash ?? CALL_TABLE_HASH;
export const tableHashText = (parts: Parts): string =>
  thisTableHash(parts).toString(16).padStart(8, '0');

export function newFacts(parts: Parts, over: Partial<SessionFacts>): SessionFacts {
  const ids = {
    uid: process.getuid!(), gid: process.getgid!(),
    euid: process.geteuid!(), egid: process.getegid!(),
  };
  return {
    mode: layout.HS_MODE_RECORD,
    commit: layout.HS_COMMIT_ASYNC,
    files: layout.HS_FILES_CARRIED,
    flags: 0,
    seed: crypto.getRandomValues(new BigUint64Array(1))[0]!,
    hostname: hostname(),
    startRealNs: BigInt(Date.now()) * 1_000_000n,
    ringBytes: parts.ringBytes ?? layout.HS_RING_DEFAULT_BYTES,
    maxLagBytes: 0,
    ids,
    ...over,
  };
}

const FAULT_POLL_MS = 50;

export class Session {
  readonly map: SessionMap;
  #child: ChildProcess | undefined;
  #ended: Promise<ProgramEnd> | undefined;
  #isClosed = false;

  constructor(readonly facts: SessionFacts, readonly parts: Parts) {
    const fd = createMemory('hotswap-session', layout.HS_SESSION_BYTES);
    try {
      this.map = new SessionMap(fd, facts.ringBytes);
    } catch (error) {
      closeFd(fd);
      throw error;
    }
    this.#fill();
  }

  get fd(): number {
    return this.map.fd;
  }

  get control() {
    return this.map.control;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get isRunning(): boolean {
    const child = this.#child;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  #fill(): void {
    const { facts, control } = this;
    control.store32(CONTROL.version, layout.HS_VERSION);
    control.store32(CONTROL.table, thisTableHash(this.parts));
    control.store32(CONTROL.mode, facts.mode);
    control.store32(CONTROL.commit, facts.commit);
    control.store32(CONTROL.files, facts.files);
    control.store32(CONTROL.flags, facts.flags);
    control.store64(CONTROL.ringBytes, facts.ringBytes);
    control.storeBig(CONTROL.seed, facts.seed);
    control.store64(CONTROL.maxLagBytes, facts.maxLagBytes);
    control.setText(CONTROL.hostname, SIZES.hostname, facts.hostname);
    const { uid, gid, euid, egid } = facts.ids;
    control.store32(CONTROL.uid, uid);
    control.store32(CONTROL.gid, gid);
    control.store32(CONTROL.euid, euid);
    control.store32(CONTROL.egid, egid);
    control.storeBig(CONTROL.startRealNs, facts.startRealNs);
    control.storeBig(CONTROL.magic, layout.HS_MAGIC);
  }

  /** Starts the program. `isDetached` keeps a terminal's signals from it. Call it once. */
  start(program: ProgramStart, options: { maps?: MapFds; isDetached: boolean }): void {
    const starter = this.parts.starter ?? builtFile('shim', 'build', 'hs-start');
    // Node puts entry i of stdio at descriptor i of the child.
    const stdio: (number | 'inherit')[] = ['inherit', 'inherit', 'inherit', this.fd];
    const args = ['--session', '3'];
    const { maps } = options;
    if (maps) {
      stdio.push(maps.settings, maps.slots, maps.index, maps.free);
      args.push('--settings', '4', '--slots', '5', '--index', '6', '--free', '7');
    }
    const child = spawn(starter, [...args, '--', ...program.command], {
      cwd: program.cwd, env: program.env, stdio, detached: options.isDetached,
    });
    this.#child = child;
    this.#ended = new Promise((resolve, reject) => {
      child.once('error', (cause) => reject(new OperatingError(
        `cannot run ${starter} in ${program.cwd}: ${cause.message}`,
        { reason: errnoOf(cause), cause },
      )));
      child.once('exit', (code, signal) => resolve(endOf(code, signal)));
    });
    this.#ended.catch(() => undefined); // whoever waits gets it; nobody may have begun to
    if (this.facts.mode !== layout.HS_MODE_RECORD) this.#endWithOne();
  }

  /** A copy one of whose processes the shim has given up is none: the others would wait for it. */
  #endWithOne(): void {
    const watch = setInterval(() => {
      if (this.#isClosed || !this.isRunning) clearInterval(watch);
      else if (this.fault()) this.kill();
    }, FAULT_POLL_MS);
    watch.unref();
  }

  /** How the program ended. Rejects when it was never started, by the shim's own word. */
  async ended(): Promise<ProgramEnd> {
    if (!this.#ended) throw new OperatingError('the program was not started');
    const end = await this.#ended;
    const fault = this.fault();
    if (fault) throw fault;
    return end;
  }

  /** The shim's refusal or broken invariant, if it said one. */
  fault(): HotswapError | undefined {
    const { control } = this;
    if (control.load32(CONTROL.failure) === 0) return undefined;
    const sentence = control.sentence() || 'the shim stopped without a reason';
    if (control.load32(CONTROL.failure) === 4) return new NotReplicable(sentence);
    return new OperatingError(`the shim stopped: ${sentence}`, { reason: 'shim' });
  }

  /** Asks the program to end, and ends it after `graceMs`. Resolves when it has ended. */
  async stop(signal: NodeJS.Signals, graceMs: number): Promise<void> {
    if (!this.isRunning || !this.#ended) return;
    if (signal !== 'SIGKILL') this.#child!.kill(signal);
    const timer = setTimeout(() => this.kill(), signal === 'SIGKILL' ? 0 : graceMs);
    await this.#ended.catch(() => undefined);
    clearTimeout(timer);
  }

  /** hs-start is the parent of the PID namespace's init, which dies with it, and all in it. */
  kill(): void {
    if (this.isRunning) this.#child!.kill('SIGKILL');
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.kill();
    this.map.close();
    closeFd(this.fd);
  }
}

/** hs-start gives 128 + N for a program that signal N ended. */
function endOf(code: number | null, signal: NodeJS.Signals | null): ProgramEnd {
  if (code === null) return { exitCode: null, exitSignal: signal };
  const name = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
  if (name === undefined) return { exitCode: code, exitSignal: null };
  return { exitCode: null, exitSignal: name as NodeJS.Signals };
}
