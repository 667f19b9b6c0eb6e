/* suite.ts: uvu's suite with the traps closed that a file can close itself.
 *   - a `before` that throws is shown, and fails the file (uvu swallows it),
 *   - a suite that is never run fails the file,
 *   - each test has a bound, 60 s unless said otherwise, and is named when it passes it,
 *   - with TEST_ONLY set, only the tests whose name contains it are there.
 * The rule: tests import `suite` from here. */
import { suite as uvuSuite } from 'uvu';

type Step<T> = (context: T) => Promise<void> | void;

interface Hook<T> {
  (step: Step<T>): void;
  each(step: Step<T>): void;
}

export interface Suite<T> {
  (name: string, step: Step<T>, boundMs?: number): void;
  /** A test that cannot run here; the reason is shown. */
  skip(name: string, why: string): void;
  before: Hook<T>;
  after: Hook<T>;
  run(): void;
}

const defaultBoundMs = 60_000;

/** A suite whose hooks and tests share `context`. Call `run()` at the end of the file. */
export function suite<T extends object = Record<string, unknown>>(
  name: string,
  context?: T,
): Suite<T> {
  const inner = uvuSuite<T>(name, (context ?? {}) as T);
  const only = process.env['TEST_ONLY'];
  let isRun = false;
  let count = 0;

  const guarded = (kind: string, step: Step<T>): Step<T> => async (state) => {
    try {
      await within(defaultBoundMs, `${kind} of "${name}"`, step, state);
    } catch (error) {
      console.error(`\n${kind} of "${name}" failed:`, error);
      failFile();
      throw error;
    }
  };
  const hook = (kind: 'before' | 'after'): Hook<T> => Object.assign(
    (step: Step<T>) => inner[kind](guarded(kind, step)),
    { each: (step: Step<T>) => inner[kind].each(guarded(`${kind}.each`, step)) },
  );
  const test = (title: string, step: Step<T>, boundMs = defaultBoundMs): void => {
    count++;
    if (only !== undefined && !title.includes(only)) return;
    inner(title, (state) => within(boundMs, `"${title}"`, step, state));
  };

  process.on('beforeExit', () => {
    if (isRun || count === 0) return;
    console.error(`suite "${name}" holds ${count} tests and was never run: call run()`);
    failFile();
  });
  return Object.assign(test, {
    skip: (title: string, why: string) => {
      if (only !== undefined && !title.includes(only)) return;
      console.log(`skipped: "${title}": ${why}`);
      inner.skip(title);
    },
    before: hook('before'),
    after: hook('after'),
    run: () => {
      isRun = true;
      inner.run();
    },
  });
}

/** uvu sets the exit status when it is done, to 0 as it sees fit: so ours is set after that. */
function failFile(): void {
  process.once('exit', () => { process.exitCode = process.exitCode || 1; });
}

async function within<T>(
  boundMs: number,
  what: string,
  step: Step<T>,
  state: T,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_done, fail) => {
    timer = setTimeout(() => fail(new Error(`${what} is not done after ${boundMs} ms`)), boundMs);
  });
  try {
    await Promise.race([step(state), late]);
  } finally {
    clearTimeout(timer);
  }
}
