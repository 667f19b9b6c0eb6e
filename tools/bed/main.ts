/* main.ts: `npm run bed:COMMAND`: the bed of three machines of the Vagrantfile. docs/bed.md says
 * what each shows.
 * The rule: a command says what it is doing, and ends with one line that sums up. */
import { spawnSync } from 'node:child_process';
import { UserError, exitCodeOf } from '../../src/errors.js';
import { check } from './checks.js';
import { cuts } from './cuts.js';
import { demo } from './demo.js';
import { sshArgv } from './machines.js';
import { machineNames } from './place.js';
import { Screen } from './run.js';
import { down, sync, up } from './up.js';

const help = `Usage: npm run bed:up | bed:demo | bed:check | bed:cuts | bed:ssh -- NAME | bed:down
  bed:up              makes box and machines: primary, backup, client
  bed:sync            brings this checkout's build to the machines again
  bed:demo [--reuse]  a redis pair, a power cut, what the client saw, and the
                      machine's return; --reuse takes the pair that runs already
  bed:check [NAME…]   what only two machines show, a line each
  bed:cuts --runs N --seed S [--connections N] [--json]   power cuts at seeded moments
  bed:ssh -- NAME     a shell on a machine (${machineNames.join(', ')})
  bed:down [--all]    ends everything; with --all the box goes as well`;

async function main(): Promise<number> {
  const [command, ...args] = process.argv.slice(2);
  const screen = new Screen(args.includes('--json'));
  switch (command) {
    case 'up': return up(screen).then(() => 0);
    case 'sync': return sync(screen).then(() => 0);
    case 'demo': return (await demo(screen, Date.now() % 1e9, args.includes('--reuse'))) ? 0 : 1;
    case 'check': return (await check(args.filter((a) => !a.startsWith('--')), screen)) ? 0 : 1;
    case 'cuts': return (await cuts(args, screen)) ? 0 : 1;
    case 'down': return down(screen, args.includes('--all')).then(() => 0);
    case 'ssh': return shell(args);
    default:
      process.stdout.write(`${help}\n`);
      return command === 'help' || command === '--help' ? 0 : 2;
  }
}

function shell([name, ...words]: string[]): number {
  const machine = machineNames.find((each) => each === name);
  if (!machine) throw new UserError(`"${name ?? ''}" is none of ${machineNames.join(', ')}`);
  const [command = '', ...argv] = sshArgv(machine, ...(process.stdin.isTTY ? ['-t'] : []));
  return spawnSync(command, [...argv, ...words], { stdio: 'inherit' }).status ?? 1;
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    process.stderr.write(`bed: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(exitCodeOf(error));
  },
);
