// policies.ts: what HotSwap does with a call. One policy per row; each is defined here once, in
// words first: what the primary does, what the backup does while it follows, and what becomes of
// a thread that is in the call when the backup goes live.
// The rule: a policy says everything about a regular call; what it cannot say is `irregular`.
import { type IrregularName } from './irregulars.js';

/** The classes hs-trace reports, one word per row. */
export type Verdict = 'replayed' | 'ordered' | 're-executed' | 'refused';

export interface PolicyWords {
  /** enum hs_policy in shim/core/call.h. */
  readonly c: string;
  /** null: each irregular function has its own. */
  readonly verdict: Verdict | null;
  readonly primary: string;
  readonly backup: string;
  readonly goLive: string;
}

export const policies = {
  result: {
    c: 'HS_RESULT',
    verdict: 'replayed',
    primary: 'makes the call; records the result and every byte it wrote',
    backup: 'does not make the call; puts in the recorded result and bytes',
    goLive: 'makes the call for real',
  },
  input: {
    c: 'HS_INPUT',
    verdict: 'replayed',
    primary: 'makes the call; records the data that came in through the descriptor',
    backup: 'does not make the call; puts in the recorded data',
    goLive: 'makes the call again on the restored descriptor, for what is left of its timeout',
  },
  output: {
    c: 'HS_OUTPUT',
    verdict: 'replayed',
    primary: 'records a digest of the bytes; they leave when the commit mode allows it',
    backup: 'compares the digest; keeps the bytes until the client has acknowledged them',
    goLive: 'makes the call for real',
  },
  local: {
    c: 'HS_LOCAL',
    verdict: 're-executed',
    primary: 'makes the call; records the result',
    backup: 'makes the call too; another result is a divergence',
    goLive: 'makes the call for real',
  },
  file: {
    c: 'HS_FILE',
    verdict: 're-executed',
    primary: 'makes the call; records the result',
    backup: "makes the call too where files are mirrored; the primary's result is what counts",
    goLive: 'makes the call for real',
  },
  descriptor: {
    c: 'HS_DESCRIPTOR',
    verdict: 're-executed',
    primary: 'makes the call; records the result and which kind of descriptor it made',
    backup: 'makes the call too, so that descriptor numbers come out equal',
    goLive: 'makes the call for real',
  },
  memory: {
    c: 'HS_MEMORY',
    verdict: 're-executed',
    primary: 'makes the call; records the result',
    backup: 'makes the call too; addresses must come out equal',
    goLive: 'makes the call for real',
  },
  order: {
    c: 'HS_ORDER',
    verdict: 'ordered',
    primary: 'makes the call; the record is taken in the order in which batons are taken',
    backup: 'takes its turn in that order and does not wait in the kernel',
    goLive: 'makes the call again, for what is left of its time',
  },
  irregular: {
    c: 'HS_IRREGULAR',
    verdict: null,
    primary: 'a function of its own',
    backup: 'a function of its own',
    goLive: 'a function of its own',
  },
  refuse: {
    c: 'HS_REFUSED',
    verdict: 'refused',
    primary: 'answers the errno of a kernel that lacks the call, without a record',
    backup: 'answers the same',
    goLive: 'answers the same',
  },
} as const satisfies Record<string, PolicyWords>;
export type PolicyName = keyof typeof policies;

/** What else holds for a row; the C names are those of call.h. */
export const rowFlags = {
  blocking: { c: 'HS_BLOCKS', bit: 1, means: 'may wait: the baton is given up around it' },
  restarts: { c: 'HS_RESTARTS', bit: 2, means: 'is made again after a handler with SA_RESTART' },
  eintr: { c: 'HS_OUT_EINTR', bit: 4, means: 'writes its out-arguments on EINTR too' },
  time: { c: 'HS_TIME', bit: 8, means: "may be answered by the shim's own clock" },
  makesFd: { c: 'HS_MAKES_FD', bit: 16, means: 'its result is a new descriptor' },
  always: { c: 'HS_OUT_ALWAYS', bit: 32, means: 'writes its out-arguments whatever the result' },
  masked: { c: 'HS_SIGMASK', bit: 64, means: 'puts a signal mask in place while it waits' },
  onlyEintr: { c: 'HS_OUT_ONLY_EINTR', bit: 128, means: 'writes out-arguments only on EINTR' },
  unbroken: { c: 'HS_UNBROKEN', bit: 256, means: 'no signal ends its wait' },
} as const;
export type RowFlag = keyof typeof rowFlags;

/** Negative of these is what a refused call answers; numbers of the x86_64 ABI. */
export const errnos = { EPERM: 1, EACCES: 13, EINVAL: 22, ENOSYS: 38, EOPNOTSUPP: 95 } as const;
export type Errno = keyof typeof errnos;

/** What a row says of a call's treatment. Immutable; each getter gives one with a flag more. */
export class Policy {
  constructor(
    readonly name: PolicyName,
    readonly flags: readonly RowFlag[] = [],
    readonly why: string | undefined = undefined,
    readonly irregular: IrregularName | undefined = undefined,
    readonly refusal: Errno | undefined = undefined,
    readonly fallback: string | undefined = undefined,
  ) {}

  get blocking(): Policy {
    return this.with('blocking');
  }
  get restarts(): Policy {
    return this.with('restarts');
  }
  get eintr(): Policy {
    return this.with('eintr');
  }
  get time(): Policy {
    return this.with('time');
  }
  get makesFd(): Policy {
    return this.with('makesFd');
  }
  get always(): Policy {
    return this.with('always');
  }
  get masked(): Policy {
    return this.with('masked');
  }
  /** Waits, and never for what a signal would put an end to: callers do not expect EINTR. */
  get unbroken(): Policy {
    return this.with('blocking').with('unbroken');
  }
  /** Waits for time to pass; writes what is left of it when a signal comes first. */
  get sleeps(): Policy {
    return this.with('blocking').with('eintr').with('onlyEintr');
  }
  /** The reason, where it is not obvious. */
  because(why: string): Policy {
    return new Policy(this.name, this.flags, why, this.irregular, this.refusal, this.fallback);
  }
  /** Why whoever makes the call goes on without it; for refused ones, where that is sure. */
  survivedBy(fallback: string): Policy {
    return new Policy(this.name, this.flags, this.why, this.irregular, this.refusal, fallback);
  }
  private with(flag: RowFlag): Policy {
    const flags = [...this.flags, flag];
    return new Policy(
      this.name, flags, this.why, this.irregular, this.refusal, this.fallback,
    );
  }
}

export const result = new Policy('result');
export const input = new Policy('input');
export const output = new Policy('output');
export const local = new Policy('local');
export const file = new Policy('file');
export const descriptor = new Policy('descriptor');
export const memory = new Policy('memory');
export const order = new Policy('order');

/** A call that needs the C function `hs_irr_<name>`; irregulars.ts says what it does. */
export function irregular(name: IrregularName, why?: string): Policy {
  return new Policy('irregular', [], why, name);
}

/** A call that is answered as by a kernel that lacks it. */
export function refuse(errno: Errno, why: string): Policy {
  return new Policy('refuse', [], why, undefined, errno);
}
