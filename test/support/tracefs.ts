/* tracefs.ts: a command with tracefs at its usual place, which not every host has mounted; where it
 * is, it stays as it is. The rule: what is mounted here is seen by the command alone. */
const mounted = 'mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing';

export const withTracefs = (argv: readonly string[]): string[] =>
  ['unshare', '-m', 'sh', '-c', `{ ${mounted}; } && exec "$@"`, 'sh', ...argv];
