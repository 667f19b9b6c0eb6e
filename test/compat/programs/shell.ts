/* shell.ts: a shell for each connection, which runs a pipeline for each line that it is sent.
 * The rule: what a pipeline gives is computed here too, and compared. */
import { readFileSync } from 'node:fs';
import type { Program, Session, SessionContext } from '../program.js';

const letters = 'abcdefghijklmnopqrstuvwxyz0123456789 ';

async function connect(context: SessionContext): Promise<Session> {
  const wire = await context.wire();
  let line = 0;
  return {
    exchange: async () => {
      const words = Array.from({ length: context.random.between(1, 200) }, () =>
        context.random.pick([...letters])).join('').trim();
      wire.write(`${words}\n`);
      line++;
      const turned = [...words.toUpperCase()].reverse().join('');
      await wire.expect(`${line} ${words.length} ${turned}\n`, `line ${line}`);
    },
    close: () => wire.close(),
  };
}

const programs: Program[] = [{
  name: 'bash-pipeline',
  what: 'socat forks and executes a bash for each of 6 connections; for each line it gets, bash '
    + 'runs a pipeline of three programs and one more in a substitution.',
  packages: ['socat', 'bash', 'bsdextrautils'],
  version: ['bash', '--version'],
  command: ['socat', 'TCP-LISTEN:8000,fork,reuseaddr,backlog=64', 'EXEC:bash pipeline.sh,nofork'],
  port: 8000,
  files: () => ({
    'pipeline.sh': readFileSync(new URL('../sources/pipeline.sh', import.meta.url)),
  }),
  clients: 6,
  thinkMs: 20,
  connect,
}];

export default programs;
