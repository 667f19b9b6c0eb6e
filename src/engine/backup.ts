/* backup.ts: `hs-replicate backup`: the main thread of the side that follows. It judges the
 * primary's offer, makes the session, the enforcement and the silent address, starts the copy, and
 * ends as the copy ends: with the primary's program, or, after a takeover, with its own.
 * The rule: everything a takeover needs is opened here or in the worker before the first record. */
import { layout, type Manifest, type ProcessStart } from '../channel/index.js';
import type { ServiceAddress } from '../config-values.js';
import {
  Divergence, NotReplicable, OperatingError, asHotswapError, type DivergenceDetail,
} from '../errors.js';
import { log } from '../log.js';
import { Audit } from './audit.js';
import { Cleanup, within } from './cleanup.js';
import type { AuditReport } from './control-protocol.js';
import { startControlServer } from './control-server.js';
import { netRole } from './enforcement-map.js';
import { Enforcement } from './enforcement.js';
import { compareExecutables } from './executables.js';
import { prepareClock } from './fast-clock.js';
import type { BackupOptions, PairResult } from './options.js';
import { newInstance, pairKey } from './pair-key.js';
import { endIn } from './program-end.js';
import { compareProcessors, readProcessor } from './processor.js';
import { Pump } from './pump.js';
import { Board, type FromPump } from './pump-messages.js';
import { detailOf } from './replay.js';
import { holdSilently } from './service-address.js';
import { scheduleFlag } from './schedule.js';
import { watchForStandstill } from './standstill.js';
import { Session, newFacts, tableHashText, type Parts } from './session.js';
import { pairStatus, type PairFacts } from './status.js';
import { adoptSurroundings } from './surroundings.js';

const CONNECT_ATTEMPTS = 150; // 200 ms apart: a primary that is being started is waited for
const STOP_GRACE_MS = 10_000;
const FAREWELL_MS = 5_000;

const commitModes = {
  async: layout.HS_COMMIT_ASYNC,
  logged: layout.HS_COMMIT_LOGGED,
  verified: layout.HS_COMMIT_VERIFIED,
} as const;

/** Follows a primary until its program ends. Throws Divergence, LostRole, NotReplicable. */
export async function backup(options: BackupOptions, parts: Parts = {}): Promise<PairResult> {
  const cleanup = new Cleanup();
  const host = new BackupHost(options, parts, cleanup);
  try {
    return await host.run();
  } finally {
    await cleanup.run();
  }
}

class BackupHost {
  readonly #facts: PairFacts;
  readonly #board = new Board();
  #session: Session | undefined;
  #audit: Audit | undefined;
  #enforcement: Enforcement | undefined;
  #pump!: Pump;
  #isStopped = false;
  #distrusted: NotReplicable | undefined;
  /** How the primary says its program has ended. */
  #toldEnd: PairResult | undefined;
  #onStop: () => void = () => undefined;

  constructor(
    readonly options: BackupOptions, readonly parts: Parts, readonly cleanup: Cleanup,
  ) {
    this.#facts = {
      name: options.name, role: 'backup', peer: null, commit: 'logged',
      divergence: null, takeover: null, why: 'not joined yet', startedMs: Date.now(),
    };
  }

  async run(): Promise<PairResult> {
    const { options, cleanup } = this;
    const server = await startControlServer(options.runtimeDir, options.name, {
      status: () => pairStatus(this.#facts, this.#board, this.#session, this.#audit),
      audit: () => this.#auditReport(),
      stop: () => this.#stop('stopped by an operator of the backup'),
      switchover: () => {
        throw new NotReplicable('this is the backup: ask for the switchover on the primary');
      },
    });
    cleanup.defer(() => server.close());
    this.#startPump();
    const stopped = new Promise<'stopped'>((resolve) => {
      this.#onStop = () => resolve('stopped');
    });
    const onAbort = (): void => void this.#leave();
    options.signal.addEventListener('abort', onAbort, { once: true });
    cleanup.defer(() => options.signal.removeEventListener('abort', onAbort));
    if (options.signal.aborted) onAbort();
    const offer = await Promise.race([this.#pump.next('offer'), stopped]);
    if (offer === 'stopped') return this.#result({ exitCode: null, exitSignal: null });
    await this.#accept(offer);
    return await this.#follow();
  }

  #startPump(): void {
    const { options, parts } = this;
    this.#pump = new Pump({
      role: 'backup',
      name: options.name,
      key: pairKey(options.keyFile),
      tableHash: tableHashText(parts),
      instance: newInstance(),
      detect: options.detect,
      logDir: options.logDir ?? null,
      board: this.#board.shared,
      connect: options.connect,
      dev: options.dev,
      attempts: CONNECT_ATTEMPTS,
    });
    this.cleanup.defer(() => this.#pump.close());
    this.#pump.on('takingOver', ({ cause }) => {
      this.#facts.role = 'live';
      this.#facts.peer = null;
      this.#facts.why = `took over: the primary was ${cause}`;
      log.warn({ cause }, 'TAKING OVER');
    });
    this.#pump.on('live', ({ times }) => {
      this.#facts.takeover = times;
      const afterMs = (times.openNs - times.detectedNs) / 1e6;
      log.warn({ ms: Math.round(afterMs * 1000) / 1000 }, 'LIVE, and unprotected');
    });
    // The process that diverged has ended itself; those that wait for it would wait for ever.
    this.#pump.on('diverged', () => this.#session!.kill());
    this.#pump.on('stop', ({ reason }) => {
      this.#toldEnd = endIn(reason);
      log.info({ reason }, 'the primary stops the pair');
    });
  }

  /** Checks what the primary offers and starts the copy. A refusal is told to the primary. */
  async #accept(offer: Extract<FromPump, { kind: 'offer' }>): Promise<void> {
    const { manifest, process: start, peer, processor } = offer;
    this.#facts.peer = peer;
    this.#facts.commit = manifest.commit;
    this.#facts.why = 'not caught up yet';
    try {
      if (this.options.processors !== 'any') compareProcessors(processor, readProcessor());
      compareExecutables(manifest.executables, `the primary, ${peer}`);
      await this.#begin(manifest, start);
    } catch (thrown) {
      const error = asHotswapError(thrown);
      const closed = within(FAREWELL_MS, this.#pump.failed.catch(() => undefined));
      this.#pump.send({ kind: 'refuse', message: error.message });
      await closed;
      throw error;
    }
  }

  async #begin(manifest: Manifest, start: ProcessStart): Promise<void> {
    const { options, parts, cleanup } = this;
    const program = adoptSurroundings(start);
    const isNetworked = !parts.isWithoutNetwork && manifest.vip !== '';
    const session = new Session(newFacts(parts, {
      mode: layout.HS_MODE_REPLAY,
      commit: commitModes[manifest.commit],
      files: layout.HS_FILES_MIRRORED,
      flags: layout.HS_FLAG_SESSION | (isNetworked ? layout.HS_FLAG_TAKEOVER : 0) |
        scheduleFlag(program),
      seed: manifest.seed,
      hostname: manifest.hostname,
      startRealNs: start.startRealNs,
      ringBytes: manifest.ringBytes,
      ids: start,
    }), parts);
    this.#session = session;
    cleanup.defer(() => session.close());
    // The copy has no connections of its own: what comes in for it is in the records.
    const audit = new Audit(session, {
      policy: options.audit, vip: null, onFatal: (why) => this.#distrust(why),
    });
    this.#audit = audit;
    cleanup.defer(() => audit.close());
    if (isNetworked) {
      const vip: ServiceAddress = { address: manifest.vip, prefix: manifest.prefix };
      this.#enforcement = Enforcement.attach(options.dev, vip.address, netRole.backup);
      cleanup.defer(() => this.#enforcement!.close());
      cleanup.defer(holdSilently(vip, options.dev));
    }
    await prepareClock(session, program);
    options.signal.throwIfAborted();
    audit.spawning(() => {
      session.start(program, { maps: this.#enforcement?.fds, isDetached: true });
    });
    cleanup.defer(watchForStandstill(session.map, parts.standstill));
    this.#pump.send({
      kind: 'go', vip: isNetworked ? manifest.vip : null, sessionFd: session.fd,
      ringBytes: manifest.ringBytes, settingsFd: this.#enforcement?.fds.settings ?? null,
    });
  }

  async #follow(): Promise<PairResult> {
    const session = this.#session!;
    const finished = this.#pump.next('finished');
    finished.catch(() => undefined);
    let end: PairResult;
    try {
      end = await Promise.race([session.ended(), this.#pump.failed]);
    } finally {
      const hasEnded = !session.isRunning;
      await session.stop('SIGKILL', 0);
      if (hasEnded) {
        this.#pump.send({ kind: 'ended', reason: '' });
        await within(FAREWELL_MS, finished.catch(() => undefined));
      }
    }
    if (this.#distrusted) throw this.#distrusted;
    const raw = session.control.divergence();
    if (raw) throw this.#diverged(detailOf(raw));
    return this.#result(end);
  }

  #auditReport(): AuditReport {
    const status = pairStatus(this.#facts, this.#board, this.#session);
    if (!this.#audit) throw new OperatingError('the copy has not started: nothing to audit yet');
    return this.#audit.report(status);
  }

  /** By `--audit fatal`. A copy that serves already is all there is: it goes on. */
  #distrust(why: string): void {
    if (this.#facts.role === 'live') return;
    this.#distrusted = new NotReplicable(`${why}: this copy is not to be trusted`);
    this.#session!.kill();
  }

  #diverged(detail: DivergenceDetail): Divergence {
    this.#facts.divergence = detail;
    return new Divergence(detail);
  }

  #result(end: PairResult): PairResult {
    this.options.signal.throwIfAborted();
    return this.#isStopped ? { exitCode: null, exitSignal: null } : this.#toldEnd ?? end;
  }

  /** Interrupted. Following: only this copy ends, and the primary goes on alone, because a host
   * that is shut down must not take the service along. Live: the program is the service, and is
   * asked to end. */
  async #leave(): Promise<void> {
    this.#isStopped = true;
    log.info({ reason: 'the backup was interrupted' }, 'stopping');
    this.#onStop();
    const isLive = this.#facts.role === 'live';
    await this.#session?.stop(isLive ? 'SIGTERM' : 'SIGKILL', STOP_GRACE_MS);
  }

  /** Following: the primary is asked to stop the pair. Live: the program is. */
  async #stop(reason: string): Promise<{ stopped: true }> {
    this.#isStopped = true;
    log.info({ reason }, 'stopping');
    this.#onStop();
    const session = this.#session;
    if (!session?.isRunning) return { stopped: true };
    if (this.#facts.role === 'live') {
      await session.stop('SIGTERM', STOP_GRACE_MS);
      return { stopped: true };
    }
    this.#pump.send({ kind: 'stop', reason });
    await within(STOP_GRACE_MS, session.ended().catch(() => undefined));
    await session.stop('SIGKILL', 0);
    return { stopped: true };
  }
}
