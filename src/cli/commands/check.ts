/* check.ts: `hs-replicate check`: the preflight: everything that can be known before a program is
 * started under HotSwap, each with how to mend it. Exit status 4 if it cannot work.
 * The rule: it changes nothing on the host. */
import { endings } from '../../errors.js';
import { hostProbes } from '../preflight/host.js';
import { runProbes, type ProbeResult } from '../preflight/probe.js';
import { subjectProbes } from '../preflight/subject.js';
import { printJson, printLine, printTable, type CommandSpec } from '../shell.js';

export const checkCommand: CommandSpec = {
  usage: 'check [command...]',
  summary: 'tell whether this host, and a program, can be replicated',
  settings: ['listen', 'vip', 'dev', 'keyFile', 'runtimeDir'],
  hasProgram: true,
  examples: ['hs-replicate check', 'hs-replicate check --json -- redis-server'],
  run: async ({ operands, configuration, isJson }) => {
    const { settings } = configuration;
    const results = await runProbes([
      ...hostProbes(settings.runtimeDir),
      ...subjectProbes(operands[0], settings),
    ]);
    const lacking = results.filter(({ status }) => status === 'missing');
    const isOk = lacking.length === 0;
    if (isJson) printJson({ ok: isOk, probes: results });
    else printResults(results, lacking.length);
    return isOk ? 0 : endings.HS_NOT_REPLICABLE.exit;
  },
};

function printResults(results: ProbeResult[], lacking: number): void {
  printTable(results.map(({ status, name, found }) => [status, name, found]));
  const open = results.filter(({ fix }) => fix !== undefined);
  for (const { name, fix } of open) printLine(`fix ${name}: ${fix}`);
  if (lacking === 0) printLine('can work');
  else printLine(`cannot work: ${lacking} of ${results.length} missing`);
}
