/* run.ts: `record`, `replay` and `demo`: one machine, no peer. Checks what was asked, hands it to
 * the engine, and turns its answer into output and an exit status.
 * The rule: stdout belongs to the recorded program; what we say of it comes after its end. */
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, resolve } from 'node:path';
import { Option } from 'commander';
import type { ProgramEnd, ProgramStart } from '../../engine/options.js';
import { OperatingError, UserError, endings, errnoOf } from '../../errors.js';
import { findProgram } from '../../program-file.js';
import { requireHost, requireProgram } from '../preflight/gate.js';
import { printJson, printLine, type CommandSpec } from '../shell.js';

export const recordCommand: CommandSpec = {
  usage: 'record <command...>',
  summary: 'run a program and record everything that happens to it',
  settings: ['schedule', 'memoryCheck'],
  options: [
    new Option('-o, --out <dir>', 'new directory for the log').makeOptionMandatory(),
    new Option('--evidence', 'all memory goes into the log at the end of each process'),
  ],
  hasProgram: true,
  examples: ['hs-replicate record -o /tmp/log -- redis-server --port 7000'],
  run: async ({ operands, options, configuration, isJson, signal }) => {
    const outDir = resolve(options['out'] as string);
    requireNewDirectory(outDir);
    const start = programStart(operands);
    requireProgram(operands[0]!);
    await requireHost();
    makeDirectory(outDir);
    const { record } = await import('../../engine/index.js');
    const { schedule, memoryCheck } = configuration.settings;
    const result = await record({
      ...start, outDir, schedule, memoryCheck, evidence: options['evidence'] === true,
      json: isJson, signal,
    });
    if (isJson) printJson(result);
    else {
      process.stderr.write(
        `hs-replicate: recorded ${result.records} records (${result.bytes} bytes) of ` +
          `${result.threads} threads in ${result.processes} processes to ${outDir}\n`,
      );
    }
    return statusOf(result);
  },
};

export const replayCommand: CommandSpec = {
  usage: 'replay <dir>',
  summary: 'run a recorded program again from its log alone, and compare',
  examples: ['hs-replicate replay /tmp/log', 'hs-replicate replay --json /tmp/log'],
  run: async ({ operands, isJson, signal }) => {
    const dir = resolve(operands[0]!);
    if (!existsSync(dir) || !statSync(dir).isDirectory()) {
      throw new UserError(`${dir} is no directory: give the one that "record -o" wrote`);
    }
    await requireHost();
    const { replay } = await import('../../engine/index.js');
    const result = await replay({ dir, signal });
    const { divergence, complete, memory } = result;
    if (isJson) printJson(result);
    else if (divergence !== null) {
      const { seq, call, pid, tid, expected, got } = divergence;
      printLine(`diverged at record ${seq}: ${call} in process ${pid}, thread ${tid}`);
      printLine(`  expected ${expected}\n  got      ${got}`);
    } else {
      const same = memory.bytes === 0 ? 'compared' : memory.equal ? 'equal' : 'DIFFERENT';
      const cut = complete ? '' : "; the log ends there, before the program's end";
      const compared = complete || memory.bytes > 0
        ? `; ${memory.bytes || 'no'} bytes of writable memory ${same}` : '';
      printLine(`replayed ${result.replayed} of ${result.records} records${cut}${compared}`);
      if (memory.difference !== null) printLine(`  ${memory.difference}`);
    }
    const isGood = divergence === null && memory.equal && result.replayed === result.records;
    return isGood ? 0 : endings.HS_DIVERGENCE.exit;
  },
};

export const demoCommand: CommandSpec = {
  usage: 'demo',
  summary: 'show it working on this machine alone: a redis pair, a kill, and what a client sees',
  examples: ['hs-replicate demo', 'hs-replicate demo --json | tail -n 1'],
  run: async ({ isJson, signal }) => {
    const { demo } = await import('../demo.js');
    const result = await demo({ json: isJson, signal });
    if (isJson) printJson(result);
    return result.ok ? 0 : endings.HS_OPERATING.exit;
  },
};

/** The program and its surroundings, as they are here. Throws UserError when it is not there. */
export function programStart(command: string[]): ProgramStart {
  findProgram(command[0]!);
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined) env[name] = value;
  }
  return { command, cwd: process.cwd(), env };
}

/** The status a shell would give: its own, or 128 and the signal's number. */
export function statusOf({ exitCode, exitSignal }: ProgramEnd): number {
  return exitCode ?? (exitSignal === null ? 0 : 128 + constants.signals[exitSignal]);
}

/** Makes a directory and those above it. Node's own way never ends where the kernel says ENOENT to
 * a name in a directory that is there, as in /proc. Throws OperatingError. */
function makeDirectory(dir: string): void {
  if (existsSync(dir)) return;
  makeDirectory(dirname(dir));
  try {
    mkdirSync(dir);
  } catch (cause) {
    const reason = errnoOf(cause);
    if (reason === 'EEXIST') return; // somebody else was quicker: the log's own check decides
    throw new OperatingError(`cannot make ${dir} (${reason}): name another directory`, {
      reason, cause,
    });
  }
}

function requireNewDirectory(dir: string): void {
  if (!existsSync(dir)) return;
  if (!statSync(dir).isDirectory()) throw new UserError(`${dir} is no directory: name another`);
  if (readdirSync(dir).length > 0) {
    throw new UserError(`${dir} is not empty: remove what is in it, or name another directory`);
  }
}
