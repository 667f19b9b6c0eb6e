/* replay.ts: `hs-replicate replay`: runs a recorded program again from its log alone: no network,
 * no input, files as they were read. log → ring, and at the end the verdict.
 * The rule: a log that is damaged is an operating fault that names file and offset; a program that
 * does something else than the log says is a divergence; neither is ever guessed around. */
import { rowName } from '../calls/calls.gen.js';
import { LogReader, decodeRecord, layout, viewOf, type LogBlock } from '../channel/index.js';
import { NotReplicable, type DivergenceDetail } from '../errors.js';
import { log } from '../log.js';
import type { ControlBlock, RawDivergence } from './control-block.js';
import { compareExecutables } from './executables.js';
import { prepareClock } from './fast-clock.js';
import type { ReplayOptions, ReplayResult } from './options.js';
import { RingWriter } from './ring.js';
import { Session, newFacts, tableHashText, type Parts, type SessionFacts } from './session.js';
import { watchForStandstill } from './standstill.js';
import { adoptSurroundings } from './surroundings.js';

const SPACE_BOUND_MS = 100;
const DIVERGENCE_POLL_MS = 20;

/** Replays a log. Throws LogError for a log that is none, is damaged, or of another version. */
export async function replay(options: ReplayOptions, parts: Parts = {}): Promise<ReplayResult> {
  const reader = new LogReader(options.dir);
  checkVersion(reader, parts);
  verify(reader);
  compareExecutables(reader.meta.manifest.executables, 'the host of the recording');
  const program = adoptSurroundings(reader.meta.process);
  const session = new Session(factsOf(reader, parts), parts);
  const feed = new LogFeed(reader, session);
  const onAbort = (): void => session.kill();
  options.signal.addEventListener('abort', onAbort, { once: true });
  // The process that diverged has ended itself; those that wait for it would wait for ever.
  const watch = setInterval(() => {
    if (session.control.divergence()) session.kill();
  }, DIVERGENCE_POLL_MS);
  let stopWatching = (): void => undefined;
  try {
    await prepareClock(session, program);
    session.start(program, { isDetached: true });
    stopWatching = watchForStandstill(session.map, parts.standstill);
    const ended = session.ended().finally(() => feed.stop());
    // A log that cannot be read to its end leaves the program waiting for the rest.
    const fill = feed.run().finally(() => feed.isComplete || session.kill());
    const [fed] = await Promise.allSettled([fill, ended]);
    options.signal.throwIfAborted();
    if (fed.status === 'rejected') throw fed.reason;
    const fault = session.fault();
    if (fault) throw fault;
    return verdict(session, feed);
  } finally {
    options.signal.removeEventListener('abort', onAbort);
    clearInterval(watch);
    stopWatching();
    feed.close();
    session.close();
  }
}

/** Reads all of the log once: what is damaged is refused before anything is run. */
function verify(reader: LogReader): void {
  for (const block of reader.blocks()) void block;
}

function checkVersion({ dir, meta }: LogReader, parts: Parts): void {
  const table = tableHashText(parts);
  if (meta.version === layout.HS_VERSION && meta.tableHash === table) return;
  throw new NotReplicable(
    `${dir} was recorded by another HotSwap (version ${meta.version}, call table ` +
      `${meta.tableHash}; this is ${layout.HS_VERSION}, ${table}): replay it with that one`,
  );
}

function factsOf({ meta }: LogReader, parts: Parts): SessionFacts {
  const { manifest, process, extra } = meta;
  return newFacts(parts, {
    mode: layout.HS_MODE_REPLAY,
    files: layout.HS_FILES_CARRIED,
    flags: typeof extra['flags'] === 'number' ? extra['flags'] : 0,
    seed: manifest.seed,
    hostname: manifest.hostname,
    startRealNs: process.startRealNs,
    ringBytes: manifest.ringBytes,
    ids: process,
  });
}

/** Puts block after block into the ring, waiting for room, and then says that it was all. */
class LogFeed {
  /** Records in the log, as far as it was read. */
  records = 0;
  isComplete = false;
  readonly #writer: RingWriter;
  readonly #reader: LogReader;
  #wake: () => void = () => undefined;
  #isStopped = false;

  constructor(reader: LogReader, session: Session) {
    this.#reader = reader;
    this.#writer = new RingWriter(session.map, () => this.#wake());
  }

  get consumedSeq(): number {
    return this.#writer.consumedSeq;
  }

  get torn(): ReplayResult['torn'] {
    if (!this.#reader.torn) return null;
    const { file, offset, cutBytes } = this.#reader.torn;
    return { file, offset, cutBytes };
  }

  async run(): Promise<void> {
    for (const block of this.#reader.blocks()) {
      this.records += block.records;
      await this.#store(block);
    }
    this.isComplete = true;
    if (this.#reader.torn) log.warn(this.#reader.torn.note);
    if (!this.#isStopped) this.#writer.finish(layout.HS_END_STOP);
  }

  /** The program has ended: the rest of the log is only counted. */
  stop(): void {
    this.#isStopped = true;
    this.#wake();
  }

  close(): void {
    this.#writer.close();
  }

  async #store(block: LogBlock): Promise<void> {
    const { bytes } = block;
    let at = 0;
    while (at < bytes.length && !this.#isStopped) {
      at += this.#writer.push(bytes, at, bytes.length, block.lastSeq);
      this.#writer.wake();
      if (at === bytes.length) return;
      const seen = this.#writer.consumed;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (!this.#writer.waitForSpace(seen, SPACE_BOUND_MS)) resolve();
      });
    }
  }

  /** The record with that number, from the log. */
  find(seq: number): DivergenceDetail | undefined {
    for (const block of this.#reader.blocks()) {
      if (block.lastSeq < seq) continue;
      const view = viewOf(block.bytes);
      for (let at = 0; at < block.bytes.length; at += (view.getUint32(at + 4, true) + 1) * 8) {
        const { seq: found, method, pid, tid } = decodeRecord(view, at);
        if (found !== seq) continue;
        const call = rowName(method & layout.HS_METHOD_ROW);
        return { seq: String(seq), call, pid, tid, expected: call, got: 'the end of the program' };
      }
    }
    return undefined;
  }
}

const isParallel = (control: ControlBlock): boolean =>
  (control.load32(layout.CONTROL.flags) & layout.HS_FLAG_PARALLEL) !== 0;

function verdict(session: Session, feed: LogFeed): ReplayResult {
  const { control } = session;
  const raw = control.divergence();
  const counters = control.counters();
  const { records } = feed;
  const replayed = feed.consumedSeq;
  // A program that ended early did something else than the log says, though nobody compared it.
  const divergence = raw ? detailOf(raw) : replayed < records ? feed.find(replayed + 1) : undefined;
  const complete = divergence !== undefined || control.load32(layout.CONTROL.processes) === 0;
  if (!complete) {
    log.warn('the log ends before the program does: it was stopped, or is still being written');
  }
  return {
    records,
    replayed,
    divergence: divergence ?? null,
    complete,
    torn: feed.torn,
    memory: {
      bytes: counters.memoryBytes,
      // Under --schedule parallel threads may still run when their process ends.
      equal: counters.memoryUnequal === 0 &&
        (counters.memoryBytes > 0 || !complete || isParallel(control)),
      checks: counters.memoryChecks,
      difference: control.sentence() || null,
    },
  };
}

export function detailOf(raw: RawDivergence): DivergenceDetail {
  const { seq, row, pid, tid, expected, got } = raw;
  return { seq: String(seq), call: rowName(row), pid, tid, expected, got };
}
