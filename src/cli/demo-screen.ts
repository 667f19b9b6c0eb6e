/* demo-screen.ts: what the demo shows to people: one line per step, a line that moves while there
 * is traffic (on a terminal only), and the result as a table.
 * The rule: nothing of it is printed with --json, and no colour without a terminal. */
import colours from 'picocolors';
import type { RedisLoad } from '../bed/redis-client/handle.js';
import type { LoadReport } from '../bed/redis-client/report.js';
import type { Fault, TrialStep } from '../bed/trial.js';

interface Result {
  ok: boolean;
  connections: number;
  lost: number;
  errors: number;
  bytesWrong: number;
  ackedLost: number;
  blackoutMs: number;
}

const faultWords: Record<Fault, string> = {
  power: 'the primary dies: every process killed, cables cut, at the same moment',
  process: 'every process of the primary is killed',
  partition: 'the primary is cut off from everybody',
  none: 'nothing happens',
};

const bars = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

export class DemoScreen {
  private readonly isTerminal = process.stdout.isTTY === true;
  private readonly paint = colours.createColors(this.isTerminal && !process.env['NO_COLOR']);
  private stopWatching: () => void = () => undefined;

  constructor(private readonly isSilent: boolean) {}

  title(): void {
    this.print(this.paint.bold('One redis, two machines, and one of them dies.'));
  }

  done(what: string, tookMs: number): void {
    this.clearLine();
    this.print(`  ${this.paint.green('✓')} ${what} ${this.paint.dim(duration(tookMs))}`);
  }

  note(text: string): void {
    this.print(`  ${text}`);
  }

  step(step: TrialStep, tookMs: number): void {
    switch (step.step) {
      case 'starting':
        return this.progress('starting redis …');
      case 'ready':
        return this.done(step.subject.isPair
          ? `redis runs on the primary, its twin on the backup (${step.subject.kind})`
          : `redis runs on the primary, alone (${step.subject.kind})`, tookMs);
      case 'connected':
        this.done('a client has opened its connections, once and for all', tookMs);
        return this.watch(step.load, 'traffic');
      case 'fault':
        this.stop();
        return this.print(this.paint.red(`  ✗ ${faultWords[step.fault]}`));
      case 'after':
        return this.watch(step.load, 'the same connections');
      case 'verifying':
        this.stop();
        return this.progress('reading everything back …');
    }
  }

  report(report: LoadReport, result: Result): void {
    this.stop();
    this.clearLine();
    const { writes, data, blackoutMs } = report;
    const kept = result.connections - result.lost;
    this.print('');
    this.chart(report);
    this.row('connections kept', `${kept} of ${result.connections}`, result.lost === 0);
    this.row('errors', `${result.errors}`, result.errors === 0);
    this.row('bytes lost or altered', `${result.bytesWrong}`, result.bytesWrong === 0);
    this.row('acknowledged writes lost', `${writes.lost} of ${number(writes.acknowledged)}`,
      writes.lost === 0);
    this.row('data set equal to the model', data.isEqual ? `yes, ${data.keysCompared} keys`
      : `no: ${data.samples[0] ?? ''}`, data.isEqual);
    const { stream, request } = blackoutMs;
    this.row('blackout', `${duration(result.blackoutMs)} at most`, undefined);
    if (stream) this.row('  of streams', `${duration(stream.max)} at most`, undefined);
    if (request) this.row('  of requests', `${duration(request.max)} at most`, undefined);
    this.row('operations', number(report.ops), undefined);
    this.print('');
    this.print(result.ok
      ? this.paint.green('The machine died and no client noticed more than a pause.')
      : this.paint.red('This did not go as it should.'));
  }

  /** Ends the moving line. */
  stop(): void {
    this.stopWatching();
    this.stopWatching = () => undefined;
    this.clearLine();
  }

  private watch(load: RedisLoad, what: string): void {
    let before = { ops: load.progress.ops, atMs: performance.now() };
    const listener = ({ ops, alive, bytesWrong }: RedisLoad['progress']) => {
      const nowMs = performance.now();
      const rate = (ops - before.ops) / ((nowMs - before.atMs) / 1000);
      before = { ops, atMs: nowMs };
      const wrong = bytesWrong > 0 ? this.paint.red(`, ${bytesWrong} bytes wrong`) : '';
      this.progress(`${what}: ${alive} connections, ${number(Math.round(rate))} ops/s${wrong}`);
    };
    load.listeners.add(listener);
    this.stopWatching = () => load.listeners.delete(listener);
  }

  private chart({ timeline }: LoadReport): void {
    if (!timeline) return;
    const each = 2; // two steps of the timeline in one character
    const cells: number[] = [];
    const from = Math.max(0, Math.floor((-timeline.fromMs - 1000) / timeline.stepMs));
    for (let at = from; at + each <= timeline.ops.length && cells.length < 60; at += each) {
      cells.push(timeline.ops.slice(at, at + each).reduce((sum, ops) => sum + ops, 0));
    }
    const most = Math.max(1, ...cells);
    const bar = (ops: number) => {
      return ops === 0 ? ' ' : bars[Math.ceil((ops / most) * bars.length) - 1] ?? ' ';
    };
    const kill = Math.round((-timeline.fromMs / timeline.stepMs - from) / each);
    this.print(`  ${cells.map(bar).join('')}  ${this.paint.dim('ops per 100 ms')}`);
    this.print(`  ${' '.repeat(kill)}${this.paint.red('↑ kill')}`);
  }

  private row(what: string, value: string, isGood: boolean | undefined): void {
    const paint = isGood === undefined ? String : isGood ? this.paint.green : this.paint.red;
    this.print(`  ${what.padEnd(28)} ${paint(value)}`);
  }

  private progress(text: string): void {
    if (!this.isTerminal || this.isSilent) return;
    this.clearLine();
    process.stdout.write(`  ${this.paint.dim(text)}`);
  }

  private clearLine(): void {
    if (this.isTerminal && !this.isSilent) process.stdout.write('\r\x1b[2K');
  }

  private print(text: string): void {
    if (!this.isSilent) process.stdout.write(`${text}\n`);
  }
}

function duration(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}
