/* main.ts: what `npm run soak` runs: a program of the compatibility list as a pair, under load for
 * minutes or hours, its memory compared on both hosts again and again, and what engine and shim
 * hold written down. One JSON line per sample; the last line sums up.
 * The rule: it is good only if every comparison was made on both sides and none differed. */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Bed, plan } from '../../src/bed/bed.js';
import { startSubject, type Subject } from '../../src/bed/subject.js';
import { UserError, exitCodeOf } from '../../src/errors.js';
import { interruption } from '../support/interruption.js';
import { clientFaults } from '../compat/engine.js';
import { furnish, install, openLoad, type Load } from '../compat/hosts.js';
import { folder, type Program } from '../compat/program.js';
import { programNamed } from '../compat/programs/index.js';
import { plot } from './plot.js';
import { growthPerHour, takeSample, type Sample } from './samples.js';

const help = `Usage: npm run soak [-- OPTIONS]
  --program NAME    of those that "npm run compat -- --list" names (default redis)
  --minutes N       how long (default 30)
  --every S         seconds between two comparisons of memory (default 60)
  --think MS        pause of each client between two exchanges (default: as its row says)
  --beside COMMAND  shell command that the client host repeats meanwhile; $HOST is the server
  --commit MODE     async, logged or verified (default logged)
  --detect MSxN     when a host takes the other for dead (default 50x3): longer on a busy machine
  --seed S          of the load (default: the time)
  --svg FILE        draws memory and records over time there
Example: npm run soak -- --program redis --minutes 30 \\
  --beside 'redis-benchmark -h $HOST -n 1000000 -c 20 -q'`;

const sampleMs = 10_000;

interface Settings {
  program: Program;
  minutes: number;
  everyS: number;
  thinkMs: number | undefined;
  beside: string | undefined;
  commit: 'async' | 'logged' | 'verified';
  detect: string;
  seed: number;
  svg: string | undefined;
}

async function readSettings(): Promise<Settings> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      program: text, minutes: text, every: text, think: text, beside: text, commit: text,
      detect: text, seed: text, svg: text, help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(`${help}\n`);
    process.exit(0);
  }
  const number = (name: string, given: string): number => {
    if (/^\d{1,10}(\.\d+)?$/.test(given)) return Number(given);
    throw new UserError(`--${name} ${given} is not a number`);
  };
  const commit = values.commit ?? 'logged';
  if (commit !== 'async' && commit !== 'logged' && commit !== 'verified') {
    throw new UserError(`--commit ${commit} is none of async, logged, verified`);
  }
  return {
    program: await programNamed(values.program ?? 'redis'),
    minutes: number('minutes', values.minutes ?? '30'),
    everyS: number('every', values.every ?? '60'),
    thinkMs: values.think === undefined ? undefined : number('think', values.think),
    beside: values.beside,
    commit,
    detect: values.detect ?? '50x3',
    seed: number('seed', values.seed ?? String(Date.now() % 2 ** 31)),
    svg: values.svg,
  };
}

/** Repeats the command on the client host until the soak is over. */
function startBeside(bed: Bed, command: string | undefined): ChildProcess | undefined {
  if (command === undefined) return undefined;
  const script = `export HOST=${plan.vip}; while :; do ${command}; sleep 0.2; done >/dev/null 2>&1`;
  return bed.spawn('client', ['sh', '-c', script], { stdio: 'ignore' });
}

async function sampleWhile(
  bed: Bed, load: Load, subject: Subject, settings: Settings, signal: AbortSignal,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  const startMs = performance.now();
  const endMs = startMs + settings.minutes * 60_000;
  while (performance.now() < endMs) {
    const restMs = Math.min(sampleMs, Math.max(0, endMs - performance.now()));
    await Promise.race([delay(restMs, undefined, { signal }), load.ended]);
    const ended = subject.unexpectedEnd();
    if (ended) throw new Error(ended);
    const atS = Math.round((performance.now() - startMs) / 100) / 10;
    const sample = await takeSample(bed, atS, load.progress.ops);
    samples.push(sample);
    process.stdout.write(`${JSON.stringify(sample)}\n`);
    if (!sample.isProtected) throw new Error('the pair is not protected any more: see its logs');
  }
  return samples;
}

/** The last comparison may be on its way to the backup: both sides are asked until they agree. */
async function settled(bed: Bed, atS: number, exchanges: number): Promise<Sample> {
  for (let tries = 0; ; tries++) {
    const sample = await takeSample(bed, atS, exchanges);
    if (sample.primary.checkedSeq === sample.backup.checkedSeq || tries === 50) return sample;
    await delay(200);
  }
}

function sumUp(samples: readonly Sample[], last: Sample, faults: string[], settings: Settings) {
  const { primary, backup } = last;
  const round = (value: number): number => Math.round(value * 10) / 10;
  if (primary.checks === 0) faults.push('memory was never compared');
  if (primary.checks !== backup.checks) {
    faults.push(`${primary.checks} digests on the primary, ${backup.checks} on the backup`);
  }
  const growth = (of: (s: Sample) => number): number => round(growthPerHour(samples, of));
  return {
    ok: faults.length === 0,
    program: settings.program.name, commit: settings.commit, seed: settings.seed,
    seconds: last.atS, records: primary.records, exchanges: last.exchanges,
    comparisons: backup.checks, comparedBytes: backup.checkedBytes,
    differences: 0, // the first one is a divergence, which has ended the soak
    growthMiBPerHour: {
      primaryEngine: growth((s) => s.primary.engineMiB),
      backupEngine: growth((s) => s.backup.engineMiB),
      primaryProgram: growth((s) => s.primary.programMiB),
      backupProgram: growth((s) => s.backup.programMiB),
    },
    faults,
  };
}

async function soak(bed: Bed, settings: Settings, logDir: string, signal: AbortSignal) {
  const { program, seed, commit, everyS } = settings;
  install([program]);
  await furnish(bed, program);
  const subject = await startSubject(bed, commit, {
    command: program.command, cwd: folder, startMs: program.startMs ?? 60_000, logDir, signal,
    isReady: () => Promise.resolve(true), // the client asks, in the program's own language
    primaryOptions: ['--memory-check', String(everyS), '--detect', settings.detect],
    backupOptions: ['--detect', settings.detect],
  });
  const load = await openLoad(bed, program, seed, settings.thinkMs);
  const beside = startBeside(bed, settings.beside);
  load.start();
  const samples = await sampleWhile(bed, load, subject, settings, signal);
  beside?.kill('SIGKILL');
  const report = await load.stop();
  const last = await settled(bed, samples.at(-1)?.atS ?? 0, report.exchanges);
  if (settings.svg) writeFileSync(settings.svg, plot(program.name, samples));
  return sumUp(samples, last, clientFaults(report), settings);
}

async function main(): Promise<number> {
  const settings = await readSettings();
  const logDir = mkdtempSync(join(tmpdir(), 'hotswap-soak-'));
  const bed = await Bed.create();
  let isGood = false;
  try {
    const sum = await soak(bed, settings, logDir, interruption());
    process.stdout.write(`${JSON.stringify(sum)}\n`);
    isGood = sum.ok;
  } finally {
    await bed.close();
    if (isGood) rmSync(logDir, { recursive: true });
    else process.stderr.write(`its logs are in ${logDir}\n`);
  }
  return isGood ? 0 : 1;
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    process.stderr.write(`soak: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(exitCodeOf(error));
  },
);
