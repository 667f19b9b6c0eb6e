/* primary.ts: `hs-replicate primary`: the main thread of the side that does the work. It makes the
 * session, the enforcement, the address and the worker, starts the program, answers the control
 * socket, and takes everything down again.
 * The rule: the address is there only while the program runs under enforcement. */
import { join } from 'node:path';
import { rmSync } from 'node:fs';
import { layout } from '../channel/index.js';
import { LostRole, NotReplicable, UserError } from '../errors.js';
import { log } from '../log.js';
import { Audit } from './audit.js';
import { Cleanup, within } from './cleanup.js';
import { startControlServer } from './control-server.js';
import { netRole } from './enforcement-map.js';
import { Enforcement } from './enforcement.js';
import { listExecutables } from './executables.js';
import { prepareClock } from './fast-clock.js';
import { askForDigests } from './memory-check.js';
import type { PairResult, PrimaryOptions } from './options.js';
import { newInstance, pairKey } from './pair-key.js';
import { endSentence } from './program-end.js';
import { Pump } from './pump.js';
import { Board, type PrimaryPumpConfig } from './pump-messages.js';
import { Guard, dropAddress, holdAddress } from './service-address.js';
import { listenForRivals, listenMs } from './rival.js';
import { scheduleFlag, underSchedule } from './schedule.js';
import { Session, newFacts, tableHashText, type Parts } from './session.js';
import { pairStatus, type PairFacts } from './status.js';
import { describeStart } from './surroundings.js';

const STOP_GRACE_MS = 10_000;
const FAREWELL_MS = 15_000;
/** The backup may be behind by this much of the record stream; the ring holds twice as much. */
const MAX_LAG_BYTES = 0x2000000;

const commitModes = {
  async: layout.HS_COMMIT_ASYNC,
  logged: layout.HS_COMMIT_LOGGED,
  verified: layout.HS_COMMIT_VERIFIED,
} as const;

const nothing: PairResult = { exitCode: null, exitSignal: null };

/** Runs the program as primary until it ends, is stopped, or the role is lost (LostRole). */
export async function primary(options: PrimaryOptions, parts: Parts = {}): Promise<PairResult> {
  const cleanup = new Cleanup();
  const host = new PrimaryHost(options, parts, cleanup);
  try {
    return await host.run();
  } finally {
    await cleanup.run();
  }
}

class PrimaryHost {
  readonly #facts: PairFacts;
  readonly #board = new Board();
  #session!: Session;
  #pump!: Pump;
  #enforcement: Enforcement | undefined;
  #audit!: Audit;
  #guard: Guard | undefined;
  #isStopped = false;
  #hasLeft = false;
  #onStop!: () => void;
  readonly #stopped = new Promise<void>((resolve) => { this.#onStop = resolve; });

  readonly options: PrimaryOptions;

  constructor(
    asked: PrimaryOptions, readonly parts: Parts, readonly cleanup: Cleanup,
  ) {
    const options = underSchedule(asked);
    this.options = options;
    this.#facts = {
      name: options.name, role: 'primary', peer: null, commit: options.commit,
      divergence: null, takeover: null, why: 'no backup has joined yet', startedMs: Date.now(),
    };
  }

  async run(): Promise<PairResult> {
    const { options, cleanup } = this;
    if (options.vip.address.includes(':')) {
      throw new UserError(`--vip ${options.vip.address} is IPv6, which takeover cannot do yet`);
    }
    this.#prepare();
    const server = await startControlServer(options.runtimeDir, options.name, {
      status: () => pairStatus(this.#facts, this.#board, this.#session, this.#audit),
      audit: () => this.#audit.report(pairStatus(this.#facts, this.#board, this.#session)),
      stop: () => this.#stop('stopped by an operator'),
      switchover: () => this.#switchover(),
    });
    cleanup.defer(() => server.close());
    this.#startPump();
    const onAbort = (): void => void this.#stop('interrupted');
    options.signal.addEventListener('abort', onAbort, { once: true });
    cleanup.defer(() => options.signal.removeEventListener('abort', onAbort));
    if (options.signal.aborted) onAbort();
    return await this.#live();
  }

  #prepare(): void {
    const { options, parts, cleanup } = this;
    const isNetworked = !parts.isWithoutNetwork;
    this.#session = new Session(newFacts(parts, {
      mode: layout.HS_MODE_RECORD,
      commit: commitModes[options.commit],
      files: layout.HS_FILES_MIRRORED,
      flags: layout.HS_FLAG_SESSION | (isNetworked ? layout.HS_FLAG_TAKEOVER : 0) |
        scheduleFlag(options),
    }), parts);
    cleanup.defer(() => this.#session.close());
    this.#audit = new Audit(this.#session, {
      policy: options.audit, vip: isNetworked ? options.vip.address : null,
      onFatal: (why) => this.#pump.send({ kind: 'distrust', why }),
    });
    cleanup.defer(() => this.#audit.close());
    if (!isNetworked) return;
    this.#enforcement = Enforcement.attach(options.dev, options.vip.address, netRole.primary);
    cleanup.defer(() => this.#enforcement!.close());
  }

  /** Puts the address on the interface, unless another host shows that it serves it. */
  async #takeAddress(lost: Promise<LostRole>): Promise<void> {
    const { vip, dev, detect } = this.options;
    if (!this.#enforcement || this.#isStopped) return;
    // A peer that is ready to follow is no survivor.
    const over = Promise.race([lost, this.#pump.next('ready'), this.#stopped]);
    const rival = await listenForRivals(dev, vip.address, listenMs(detect), over);
    if (rival instanceof LostRole) {
      throw new NotReplicable(rival.message, { reason: 'address' });
    }
    if (!this.#isStopped) this.cleanup.defer(holdAddress(vip, dev));
  }

  #startPump(): void {
    const { options } = this;
    this.#pump = new Pump(this.#pumpConfig());
    this.cleanup.defer(() => this.#pump.close());
    const pump = this.#pump;
    const facts = this.#facts;
    this.#enforcement?.onHeld((held) => pump.send({ kind: 'openings', held }));
    pump.on('listening', ({ address }) =>
      log.info({ address: `${address.host}:${address.port}` }, 'waiting for a backup'));
    pump.on('ready', ({ peer }) => { facts.peer = peer; });
    pump.on('protected', ({ peer }) => {
      facts.peer = peer;
      facts.why = null;
      log.info({ peer }, 'protected');
    });
    pump.on('unprotected', ({ why, divergence }) => {
      facts.peer = null;
      facts.why = why;
      facts.divergence = divergence ?? facts.divergence;
      if (this.#session.isRunning) log.error({ why, divergence }, 'UNPROTECTED: no backup follows');
      else log.warn(`the backup did not join: ${why}`);
    });
    pump.on('fenced', ({ is }) => log[is ? 'error' : 'info'](
      { policy: options.onPartition },
      is ? 'FENCED: the backup is silent and may take over' : 'the backup is heard again'));
    pump.on('rejected', ({ message }) => log.warn(message));
    pump.on('stop', ({ reason }) => void this.#stop(reason));
  }

  #pumpConfig(): PrimaryPumpConfig {
    const { options, parts } = this;
    const { facts } = this.#session;
    return {
      role: 'primary',
      name: options.name,
      key: pairKey(options.keyFile),
      tableHash: tableHashText(parts),
      instance: newInstance(),
      detect: options.detect,
      logDir: this.#logDir(),
      board: this.#board.shared,
      sessionFd: this.#session.fd,
      ringBytes: facts.ringBytes,
      settingsFd: this.#enforcement?.fds.settings ?? null,
      slotsFd: this.#enforcement?.fds.slots ?? null,
      dev: options.dev,
      listen: options.listen,
      manifest: {
        seed: facts.seed, hostname: facts.hostname, vip: options.vip.address,
        prefix: options.vip.prefix, commit: options.commit, files: 'mirrored',
        ringBytes: facts.ringBytes, executables: listExecutables(options),
      },
      process: describeStart(options, facts.startRealNs),
      onPartition: options.onPartition,
      lagPolicy: options.lagPolicy,
      maxLagRecords: options.maxLagRecords,
      maxLagMs: options.maxLagMs,
      maxLagBytes: Math.min(MAX_LAG_BYTES, facts.ringBytes / 2),
    };
  }

  /** A backup that joins a running program needs the records from the first one on. */
  #logDir(): string | null {
    const { options } = this;
    if (options.logDir !== undefined) return options.logDir;
    if (options.waitBackup) return null;
    const dir = join(options.runtimeDir, options.name, 'log');
    rmSync(dir, { recursive: true, force: true }); // of an engine that was killed
    this.cleanup.defer(() => rmSync(dir, { recursive: true, force: true }));
    return dir;
  }

  async #live(): Promise<PairResult> {
    const lost = this.#pump.next('lostRole').then(({ message }) => new LostRole(message));
    lost.catch(() => undefined);
    try {
      await this.#pump.next('listening');
      await this.#takeAddress(lost);
      const end = await this.#runProgram(lost);
      if (end instanceof LostRole) throw end;
      await this.#farewell(this.#isStopped ? 'stopped' : endSentence(end));
      this.options.signal.throwIfAborted();
      return this.#isStopped ? nothing : end;
    } catch (error) {
      if (error instanceof LostRole) await this.#leaveRole();
      else await this.#farewell(`the primary failed: ${(error as Error).message}`);
      throw error;
    } finally {
      // Before the channel is gone and the backup takes that for our death.
      await this.#session.stop('SIGKILL', 0);
    }
  }

  async #runProgram(lost: Promise<LostRole>): Promise<PairResult | LostRole> {
    if (this.options.waitBackup) {
      await Promise.race([this.#pump.next('protected'), this.#stopped]);
    }
    if (this.#isStopped || !(await this.#startProgram())) return nothing;
    return await Promise.race([this.#session.ended(), lost, this.#pump.failed]);
  }

  /** Tells the backup that this is an orderly end, and waits until it has followed to it. */
  async #farewell(reason: string): Promise<void> {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    const finished = this.#pump.next('finished').catch(() => undefined);
    this.#pump.send({ kind: 'ended', reason });
    await within(FAREWELL_MS, finished);
  }

  /** False when somebody stopped the pair meanwhile. */
  async #startProgram(): Promise<boolean> {
    const { options } = this;
    await prepareClock(this.#session, options);
    if (this.#isStopped) return false;
    this.cleanup.defer(askForDigests(this.#session.control, options.memoryCheck));
    this.#audit.spawning(() => {
      this.#session.start(options, { maps: this.#enforcement?.fds, isDetached: true });
    });
    if (!this.#enforcement) return true;
    this.#guard = new Guard(this.#session.pid, options.vip, options.dev);
    this.cleanup.defer(() => this.#guard!.release());
    return true;
  }

  /** The other host serves now: nothing of this one may be heard again. */
  async #leaveRole(): Promise<void> {
    const { options } = this;
    this.#enforcement?.settings.set('fenced', 1);
    await this.#session.stop('SIGKILL', 0);
    if (this.#enforcement) await dropAddress(options.vip, options.dev);
  }

  async #stop(reason: string): Promise<{ stopped: true }> {
    this.#isStopped = true;
    log.info({ reason }, 'stopping');
    this.#onStop();
    await this.#session.stop('SIGTERM', STOP_GRACE_MS);
    return { stopped: true };
  }

  async #switchover(): Promise<{ primary: string | null }> {
    if (this.#board.get('isProtected') !== 1) {
      throw new NotReplicable('there is no backup that could take over: start one first');
    }
    const peer = this.#facts.peer;
    const left = this.#pump.next('lostRole');
    this.#pump.send({ kind: 'handover' });
    await left;
    return { primary: peer };
  }
}
