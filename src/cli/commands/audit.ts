/* audit.ts: `hs-trace audit`: what the kernel saw of a running pair's program that the shim did not
 * record. The engine of the pair counts; this asks it and shows the answer.
 * The rule: an audit that does not run is never shown as one that found nothing. */
import { auditSchema, type AuditReport } from '../../engine/control-protocol.js';
import { NotReplicable, OperatingError, endings } from '../../errors.js';
import { askPair } from '../control-client.js';
import { printJson, printLine, printTable, type CommandSpec } from '../shell.js';

export const auditCommand: CommandSpec = {
  usage: 'audit',
  summary: 'calls and bytes of a running pair that the kernel saw and the shim did not record',
  settings: ['name', 'runtimeDir'],
  examples: ['hs-trace audit --name web', 'hs-trace audit --name web --json'],
  run: async ({ configuration, isJson }) => {
    const { name, runtimeDir } = configuration.settings;
    const answer = auditSchema.safeParse(await askPair({ name, runtimeDir }, 'audit'));
    if (!answer.success) {
      throw new OperatingError(`pair "${name}" gave an audit this version cannot read`);
    }
    const report = answer.data;
    if (isJson) printJson(report);
    if (!report.isRunning) {
      if (isJson) return endings.HS_NOT_REPLICABLE.exit;
      throw new NotReplicable(`pair "${name}" is not audited: ${report.why ?? 'unknown why'}`);
    }
    if (!isJson) print(report);
    const isClean = report.bypasses === 0 && (report.bytes?.different ?? 0) === 0;
    return isClean ? 0 : endings.HS_DIVERGENCE.exit;
  },
};

function print(report: AuditReport): void {
  const { bytes, lost, replay } = report;
  const kinds = Object.entries(report.byKind).filter(([, n]) => n > 0);
  printTable([
    ['pair', `${report.name} (${report.role}, audit ${report.policy})`],
    ['looked at', `${report.calls} calls of ${report.processes} processes`],
    ['bypasses', String(report.bypasses)],
    ...kinds.map(([kind, n]) => [`  ${kind}`, String(n)]),
    ...bytesOf(bytes),
    ['no room for', `${lost.sites} findings, ${lost.processes} processes, ` +
      `${lost.connections} connections`],
    ['replay', replay.divergence ? `diverged at record ${replay.divergence.seq}`
      : `${replay.compared} records compared, all equal`],
  ]);
  for (const { kind, call, address, count, first } of report.sites) {
    printLine(`${kind}: ${call} at ${address}, ${count} times, first by thread ${first.tid} of ` +
      `process ${first.pid} (${first.name}): ${first.arguments.join(', ')}`);
  }
  for (const { client, port, what, kernelBytes, shimBytes } of bytes?.differences ?? []) {
    printLine(`${what}: ${client} to port ${port}: kernel ${kernelBytes} bytes, shim ${shimBytes}`);
  }
}

function bytesOf(bytes: AuditReport['bytes']): string[][] {
  if (!bytes) return [];
  return [
    ['connections', `${bytes.connections}, ${bytes.compared} of them to their end, ` +
      `${bytes.unchecked} not compared`],
    ['delivered', `${bytes.deliveredBytes} bytes, ${bytes.recordedBytes} recorded`],
    ['left', `${bytes.leftBytes} bytes, ${bytes.releasedBytes} released`],
    ['differences', String(bytes.different)],
  ];
}
