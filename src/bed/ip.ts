/* ip.ts: runs iproute2 inside a namespace. `ipBatch` is for set-up: many commands, one process,
 * all must succeed. `BatchShell` is for the moment of the fault: a process that already runs and
 * executes a line as it comes, so that a link is cut in well under a millisecond, without a fork.
 * The rule: a command that was refused is an error, never a link that is not what it seems. */
import { spawn, type ChildProcess } from 'node:child_process';
import { OperatingError } from '../errors.js';

/** Executes lines of `ip` syntax in the network namespace of a process. */
export function ipBatch(pid: number, lines: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const args = [`--target=${pid}`, '--net', '--', 'ip', '-batch', '-'];
    const child = spawn('nsenter', args, { stdio: ['pipe', 'ignore', 'pipe'], detached: true });
    let complaints = '';
    child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
    child.once('error', (cause) => {
      reject(new OperatingError(`cannot run ip, of iproute2: ${cause.message}`));
    });
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new OperatingError(`ip refused: ${complaints.trim()}`));
    });
    child.stdin.on('error', () => undefined); // its end is reported by 'close'
    child.stdin.end(lines.join('\n') + '\n');
  });
}

const answerMs = 10_000;

/**
 * `probe` is a command that prints exactly one line: it marks the end of ours, which are mute.
 * iproute2 remembers the numbers of interfaces by name: a shell must not outlive its interfaces.
 */
export class BatchShell {
  private readonly child: ChildProcess;
  private waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  private output = '';
  private complaints = '';

  constructor(
    pid: number,
    private readonly tool: 'ip' | 'bridge',
    private readonly probe: string,
  ) {
    const args = [`--target=${pid}`, '--net', '--', tool, '-force', '-oneline', '-batch', '-'];
    this.child = spawn('nsenter', args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    this.child.stdout?.on('data', (chunk: Buffer) => this.onOutput(chunk.toString()));
    this.child.stderr?.on('data', (chunk: Buffer) => (this.complaints += chunk.toString()));
    this.child.stdin?.on('error', () => undefined);
    this.child.once('close', () => this.fail('it has ended'));
    this.child.once('error', (cause) => this.fail(cause.message));
    this.child.unref();
  }

  /** Runs lines in order; resolves when the last one is done. */
  run(lines: readonly string[]): Promise<void> {
    const late = setTimeout(() => this.fail(`no answer in ${answerMs} ms`), answerMs);
    return new Promise<void>((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.child.stdin?.write([...lines, this.probe, ''].join('\n'));
    }).finally(() => clearTimeout(late));
  }

  close(): void {
    this.child.stdin?.end();
    this.child.kill('SIGKILL');
  }

  private onOutput(text: string): void {
    this.output += text;
    for (let end = this.output.indexOf('\n'); end >= 0; end = this.output.indexOf('\n')) {
      this.output = this.output.slice(end + 1);
      this.waiting.shift()?.resolve();
    }
    if (this.complaints) this.fail(this.complaints.trim());
  }

  private fail(why: string): void {
    this.complaints = '';
    const error = new OperatingError(`${this.tool} refused a change of the bed: ${why}`);
    for (const waiter of this.waiting.splice(0)) waiter.reject(error);
  }
}
