/* trial.ts: takeover trials: 20 connections, both hosts, a kill at a moment the seed chooses.
 * One trial: standby, primary and client start; the client reports READY when every connection
 * is greeted; the primary is killed; the standby takes over; the client judges every byte.
 * The rule: chance comes from the seed alone, and a result says its seed. */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { Bed, plan, type HostName } from '../../../src/bed/bed.js';
import {
  attachEnforce, buildPrograms, enforceHand, pins, role, vip, type Hand,
} from './enforce.js';

export interface TrialOptions {
  connections: number;
  bytes: number;
  /** The kill comes within this time after READY. */
  killWithinMs: number;
  clamp: boolean;
  /** Longest time the standby sits on records before it confirms them. */
  delayUs: number;
  seconds: number;
}

export interface TrialResult {
  seed: number;
  kill: 'power' | 'process';
  /** `OK`, or the client's word for what went wrong. */
  verdict: string;
  line: string;
  /** The client was done before the kill: it proves nothing. */
  early: boolean;
  /** Longest time without progress: of the connections with data both ways, of the uploads. */
  bothMs: number;
  upMs: number;
  restoreMs: number;
}

const slots = 512;
const channelPort = 7900;

/** A generator of numbers in [0, 1) from a seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What a program prints, and its end. */
class Told {
  out = '';
  err = '';
  readonly closed: Promise<void>;
  private readonly listeners = new Set<() => void>();

  constructor(readonly child: ChildProcess) {
    child.stdout?.on('data', (chunk: Buffer) => this.heard((this.out += chunk.toString())));
    child.stderr?.on('data', (chunk: Buffer) => this.heard((this.err += chunk.toString())));
    child.stdin?.on('error', () => undefined);
    this.closed = new Promise((resolve) => child.once('close', () => resolve()));
    void this.closed.then(() => this.heard(''));
  }

  private heard(_text: string): void {
    for (const listener of this.listeners) listener();
  }

  ready(what: string, boundMs = 10_000): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const ended = this.child.exitCode !== null || this.child.signalCode !== null;
        if (this.out.includes('READY\n')) finish();
        else if (ended) finish(new Error(`${what} ended: ${this.out} ${this.err}`));
      };
      const finish = (error?: Error): void => {
        clearTimeout(timer);
        this.listeners.delete(look);
        if (error) reject(error);
        else resolve();
      };
      const late = (): void => finish(new Error(`${what} is not ready: ${this.out} ${this.err}`));
      const timer = setTimeout(late, boundMs);
      this.listeners.add(look);
      look();
    });
  }
}

export class Trials {
  private constructor(
    private readonly bed: Bed,
    private readonly build: string,
    private backupHand: Hand,
    private primaryHand: Hand,
  ) {}

  static async open(): Promise<Trials> {
    const build = buildPrograms(['trial-server', 'trial-client', 'enforce-hand']);
    const bed = await Bed.create();
    try {
      for (const host of ['primary', 'backup'] as const) {
        await attachEnforce(bed, host);
        // what earlier trials left unsent must not keep the kernel busy
        await bed.run(host, ['sysctl', '-qw', 'net.ipv4.tcp_orphan_retries=1']);
      }
      const backup = enforceHand(bed, 'backup', build);
      const primary = enforceHand(bed, 'primary', build);
      for (const hand of [backup, primary]) await hand.ask(`set vip ${vip}`);
      return new Trials(bed, build, backup, primary);
    } catch (cause) {
      await bed.close();
      throw cause;
    }
  }

  close(): Promise<void> {
    return this.bed.close();
  }

  private start(host: HostName, name: string, args: (string | number)[]): Told {
    const argv = [join(this.build, name), ...args.map(String)];
    return new Told(this.bed.spawn(host, argv, { stdio: ['pipe', 'pipe', 'pipe'] }));
  }

  private async prepare(options: TrialOptions): Promise<void> {
    await this.bed.run('backup', ['sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=1']);
    await this.backupHand.ask(`reset ${slots}`);
    await this.backupHand.ask(`set role ${role.backup}`);
    await this.primaryHand.ask(`reset ${slots}`);
    await this.primaryHand.ask(`set clamp ${options.clamp ? 1 : 0}`);
    await this.primaryHand.ask(`set role ${role.primary}`);
  }

  /** Kills the primary: the power of the machine, or only the process, which is then fenced. */
  private async kill(kind: TrialResult['kill'], primary: Told): Promise<void> {
    if (kind === 'power') {
      await this.bed.powerCut('primary');
      return;
    }
    primary.child.kill('SIGKILL');
    await this.primaryHand.ask('set fenced 1');
  }

  /** The kernel of the host lives on with the sockets of the dead; they may not speak. */
  private async powerOn(): Promise<void> {
    this.primaryHand = enforceHand(this.bed, 'primary', this.build);
    await this.primaryHand.ask('set fenced 1');
    await this.bed.restoreLink('primary');
  }

  async run(seed: number, options: TrialOptions): Promise<TrialResult> {
    const next = random(seed);
    const kind = next() < 0.2 ? 'power' : 'process';
    const killMs = next() * options.killWithinMs;
    const delayUs = Math.floor(next() * options.delayUs);
    const port = 10_000 + (seed % 40_000);
    const server = (who: string): (string | number)[] => [
      who, plan.vip, port, pins, plan.serviceDevice, plan.channel.backup, channelPort,
      Math.floor(next() * 2 ** 31), delayUs,
    ];
    const running: Told[] = [];
    try {
      await this.prepare(options);
      const standby = this.start('backup', 'trial-server', server('standby'));
      running.push(standby);
      await standby.ready('standby');
      const primary = this.start('primary', 'trial-server', server('primary'));
      running.push(primary);
      await primary.ready('primary');
      const client = this.start('client', 'trial-client', [
        plan.vip, port, options.connections, options.bytes, seed, options.seconds]);
      running.push(client);
      await client.ready('client');
      await new Promise((resolve) => setTimeout(resolve, killMs)); // the moment of the kill
      const early = client.child.exitCode !== null;
      await this.kill(kind, primary);
      standby.child.stdin?.write('go\n');
      await client.closed;
      return judge(seed, kind, early, client, standby);
    } finally {
      for (const one of running) one.child.kill('SIGKILL');
      await Promise.all(running.map((one) => one.closed));
      if (kind === 'power') await this.powerOn();
    }
  }
}

function judge(
  seed: number,
  kill: TrialResult['kill'],
  early: boolean,
  client: Told,
  standby: Told,
): TrialResult {
  const last = client.out.trim().split('\n').pop() ?? '';
  const number = (pattern: RegExp, text: string): number => Number(pattern.exec(text)?.[1] ?? NaN);
  return {
    seed, kill, early,
    verdict: last.split(' ')[0] ?? 'none',
    line: `${last} | ${standby.err.trim()}`,
    bothMs: number(/bothMs=([\d.]+)/, last),
    upMs: number(/upMs=([\d.]+)/, last),
    restoreMs: number(/totalMs=([\d.]+)/, standby.err),
  };
}

/** One line about many trials. */
export function summary(results: TrialResult[]): string {
  const verdicts: Record<string, number> = {};
  for (const { verdict } of results) verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
  const of = (values: number[], q: number): string => {
    const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
    return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? NaN).toFixed(1);
  };
  const told = results.filter((result) => !result.early);
  const both = told.map((result) => result.bothMs);
  const up = told.map((result) => result.upMs);
  const restores = told.map((result) => result.restoreMs);
  return `${results.length} trials ${JSON.stringify(verdicts)}, ${results.length - told.length} ` +
    `early; blackout ms p50 ${of(both, 0.5)} p90 ${of(both, 0.9)} max ${of(both, 1)}, uploads ` +
    `p50 ${of(up, 0.5)} p90 ${of(up, 0.9)} max ${of(up, 1)}; ` +
    `restore ms p50 ${of(restores, 0.5)} max ${of(restores, 1)}`;
}
