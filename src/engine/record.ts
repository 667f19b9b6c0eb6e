/* record.ts: `hs-replicate record`: one program under the shim, every record of it to a log.
 * No peer and no address: ring → log, on the main thread, which has nothing else to do.
 * The rule: the log is complete up to its last block whatever way the program ends. */
import { isatty } from 'node:tty';
import { callRows, eventRows, rowName } from '../calls/calls.gen.js';
import { LogWriter, layout, type LogMeta } from '../channel/index.js';
import { HotswapError, asHotswapError } from '../errors.js';
import { log } from '../log.js';
import type { ControlBlock } from './control-block.js';
import { listExecutables } from './executables.js';
import { prepareClock } from './fast-clock.js';
import { askForDigests } from './memory-check.js';
import type { ProgramEnd, RecordOptions, RecordResult } from './options.js';
import { RingReader } from './ring.js';
import { scheduleFlag, underSchedule } from './schedule.js';
import { Session, newFacts, tableHashText, type Parts, type SessionFacts } from './session.js';
import { describeStart } from './surroundings.js';

const { CONTROL } = layout;
/** Records handed on at a time, so that the producer gets room back early. */
const DRAIN_BYTES = 0x100000;
const STOP_GRACE_MS = 5000;

/** Records a program to its end. Throws LogError when `outDir` holds a log already. */
export async function record(asked: RecordOptions, parts: Parts = {}): Promise<RecordResult> {
  const options = underSchedule(asked);
  const facts = newFacts(parts, {
    mode: layout.HS_MODE_RECORD,
    files: layout.HS_FILES_CARRIED,
    flags: layout.HS_FLAG_MEMORY | scheduleFlag(options) |
      (options.evidence === true ? layout.HS_FLAG_EVIDENCE : 0) |
      (hasTerminal() ? 0 : layout.HS_FLAG_SESSION),
  });
  const writer = LogWriter.create(options.outDir, describeLog(options, facts, parts));
  const session = new Session(facts, parts);
  const drain = new LogDrain(session, writer);
  try {
    session.control.storeBig(CONTROL.released, ALL);
    await prepareClock(session, options);
    session.start(options, { isDetached: false });
    const stopAsking = askForDigests(session.control, options.memoryCheck);
    const end = await runToEnd(session, drain, options.signal).finally(stopAsking);
    drain.toTheEnd();
    return { ...end, ...countsOf(session.control, writer) };
  } finally {
    drain.close();
    session.close();
    writer.close();
  }
}

const ALL = (1n << 64n) - 1n;

/** With a terminal the program stays in its foreground, for what is typed there. */
const hasTerminal = (): boolean => [0, 1, 2].some((fd) => isatty(fd));

async function runToEnd(
  session: Session, drain: LogDrain, signal: AbortSignal,
): Promise<ProgramEnd> {
  const onAbort = (): void => void session.stop('SIGTERM', STOP_GRACE_MS);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    const end = await Promise.race([session.ended(), drain.failed]);
    signal.throwIfAborted();
    return end;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Everything `replay` needs to start the program the same way again. */
function describeLog(
  options: RecordOptions, facts: SessionFacts, parts: Parts,
): Omit<LogMeta, 'format'> {
  return {
    version: layout.HS_VERSION,
    tableHash: tableHashText(parts),
    manifest: {
      seed: facts.seed, hostname: facts.hostname, vip: '', prefix: 0, commit: 'async',
      files: 'carried', ringBytes: facts.ringBytes, executables: listExecutables(options),
    },
    process: describeStart(options, facts.startRealNs),
    extra: { mode: 'record', flags: facts.flags, schedule: options.schedule },
  };
}

/** Moves records from the ring to the log as they come. */
class LogDrain {
  /** Rejects when the log cannot be written: the program is then ended. */
  readonly failed: Promise<never>;
  readonly #reader: RingReader;
  #fail!: (error: HotswapError) => void;
  #isClosed = false;

  constructor(session: Session, readonly writer: LogWriter) {
    this.failed = new Promise<never>((_resolve, reject) => { this.#fail = reject; });
    this.failed.catch(() => undefined);
    this.#reader = new RingReader(session.map, () => this.#turn());
    this.#turn();
  }

  /** Takes what is left when nothing can come any more. */
  toTheEnd(): void {
    while (this.#step());
    this.writer.flush();
  }

  close(): void {
    this.#isClosed = true;
    this.#reader.close();
  }

  #turn(): void {
    if (this.#isClosed) return;
    try {
      while (this.#step());
      this.writer.flush();
    } catch (error) {
      this.#fail(asHotswapError(error));
      return;
    }
    if (!this.#reader.sleep()) setImmediate(() => this.#turn());
  }

  #step(): boolean {
    const reader = this.#reader;
    if (!reader.take(DRAIN_BYTES)) return false;
    this.writer.append(reader.bytes, reader.start, reader.end, reader.scan);
    reader.done(reader.position, reader.seq);
    return true;
  }
}

function countsOf(
  control: ControlBlock, writer: LogWriter,
): Omit<RecordResult, keyof ProgramEnd> {
  const counters = control.counters();
  if (counters.warnings > 0) {
    log.warn({ warnings: counters.warnings }, 'the shim warned; see above');
  }
  return {
    records: writer.records,
    bytes: writer.bytes,
    threads: control.load32(CONTROL.slots),
    processes: counters.processesMade + 1, // the first one is nobody's child
    calls: callCounts(control),
  };
}

/** How often each row was recorded, by name; rows that were not are left out. */
export function callCounts(control: ControlBlock): Record<string, number> {
  const rows = [...callRows.map(([row]) => row), ...Object.values(eventRows)];
  const counts: Record<string, number> = {};
  for (const row of rows) {
    const count = control.load32(CONTROL.rowCalls + row * 4);
    if (count > 0) counts[rowName(row)] = count;
  }
  return counts;
}
