/* errors.ts: every way a command can end badly, in one table.
 * A class per kind; the kind's row gives its code and the exit status of a command that ends with
 * it. Parts of the system may subclass a kind, and name the particular fault in `reason`.
 * The rule: a message is one sentence: what is wrong, with what value, and what to do next. */

/** One row per kind of ending. `exit` is part of the contract of every command. */
export const endings = {
  HS_OPERATING: { exit: 1, means: 'an operating fault: the system or the peer failed' },
  HS_USAGE: { exit: 2, means: 'usage or configuration: a mistake in what was asked' },
  HS_DIVERGENCE: { exit: 3, means: 'divergence: the replay did something else than the record' },
  HS_NOT_REPLICABLE: { exit: 4, means: 'not replicable here, or the preflight refused' },
  HS_LOST_ROLE: { exit: 5, means: 'lost the role: fenced, or the other side went live' },
  HS_INTERRUPTED: { exit: 130, means: 'interrupted by a signal' },
  HS_INVARIANT: { exit: 134, means: 'a broken invariant: a defect of HotSwap itself' },
} as const;

export type EndingCode = keyof typeof endings;

export interface ErrorDetail {
  /** Short machine-readable name of the particular fault, for instance `ECONNREFUSED`. */
  reason?: string;
  /** Evidence to show beside the sentence; must be plain JSON. */
  evidence?: Record<string, unknown>;
  cause?: unknown;
}

/** The base of all of HotSwap's own errors. */
export abstract class HotswapError extends Error {
  abstract readonly code: EndingCode;
  readonly reason: string | undefined;
  readonly evidence: Record<string, unknown> | undefined;

  constructor(message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = new.target.name;
    this.reason = detail.reason;
    this.evidence = detail.evidence;
  }

  get exitCode(): number {
    return endings[this.code].exit;
  }

  toJSON(): Record<string, unknown> {
    const { code, reason, message, evidence } = this;
    return { code, ...(reason && { reason }), message, ...(evidence && { evidence }) };
  }
}

/** The user's mistake: an option, a setting, a file of the wrong kind. */
export class UserError extends HotswapError {
  readonly code = 'HS_USAGE';
}

/** The system, the network or the peer failed; may be retried by whoever called. */
export class OperatingError extends HotswapError {
  readonly code = 'HS_OPERATING';
}

export interface DivergenceDetail {
  seq: string;
  call: string;
  pid: number;
  tid: number;
  expected: string;
  got: string;
}

/** The backup's program did something else than the record says. Never guessed around. */
export class Divergence extends HotswapError {
  readonly code = 'HS_DIVERGENCE';
  readonly divergence: DivergenceDetail;

  constructor(divergence: DivergenceDetail, detail: ErrorDetail = {}) {
    const { seq, call, pid, tid, expected, got } = divergence;
    super(
      `divergence at record ${seq}: ${call} in process ${pid}, thread ${tid}: ` +
        `expected ${expected}, got ${got}`,
      { ...detail, evidence: { ...detail.evidence, ...divergence } },
    );
    this.divergence = divergence;
  }
}

/** This program, or this machine, cannot be replicated; found before harm was done. */
export class NotReplicable extends HotswapError {
  readonly code = 'HS_NOT_REPLICABLE';
}

/** Another host owns the role now: stop, and leave the clients to it. */
export class LostRole extends HotswapError {
  readonly code = 'HS_LOST_ROLE';
}

export class Interrupted extends HotswapError {
  readonly code = 'HS_INTERRUPTED';
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals, detail: ErrorDetail = {}) {
    super(`interrupted by ${signal}`, { ...detail, reason: signal });
    this.signal = signal;
  }
}

/** Something that cannot be, is: a defect. The process ends, with the evidence. */
export class BrokenInvariant extends HotswapError {
  readonly code = 'HS_INVARIANT';
}

/** Throws BrokenInvariant unless `condition` holds. */
export function invariant(
  condition: unknown,
  message: string,
  evidence?: Record<string, unknown>,
): asserts condition {
  if (!condition) throw new BrokenInvariant(message, { evidence });
}

/** The exit status for anything that was thrown. What is not ours is a defect or a system fault. */
export function exitCodeOf(error: unknown): number {
  return asHotswapError(error).exitCode;
}

/** Wraps what is not a HotswapError: system errors are operating faults, the rest are defects. */
export function asHotswapError(error: unknown): HotswapError {
  if (error instanceof HotswapError) return error;
  const errno = errnoOf(error);
  if (errno !== undefined) {
    return new OperatingError((error as Error).message, { reason: errno, cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new BrokenInvariant(`unexpected: ${message}`, { cause: error });
}

/** The errno name (`ENOENT`) that an error of Node or of the addon carries, if any. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' && /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined;
}
