/* namespaces.ts: the place the machines live in: mount, network and PID namespaces whose process 1
 * (vagrant/namespace.sh) outlives the command that made it and keeps libvirt. Ending that process
 * ends all of it: machines, daemons, bridges, addresses, firewall rules.
 * The rule: it is ended by its own pid, checked against its start time, and nothing else is. */
import { spawn } from 'node:child_process';
import {
  closeSync, copyFileSync, cpSync, existsSync, mkdirSync, openSync, readFileSync, rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { OperatingError } from '../../src/errors.js';
import { processStart } from '../../src/bed/host.js';
import { inState, readState, root, stateDir, type Accelerator } from './place.js';
import { run, until, type RunOptions } from './run.js';

const stateFile = 'namespaces.json';

interface Namespaces {
  /** Of process 1, as seen from outside. */
  pid: number;
  start: string;
  accelerator: Accelerator;
}

/** The bed that is up, if one is. */
export function findNamespaces(): Namespaces | undefined {
  const text = readState(stateFile);
  if (text === undefined) return undefined;
  const found = JSON.parse(text) as Namespaces;
  return processStart(found.pid) === found.start ? found : undefined;
}

export function requireNamespaces(): Namespaces {
  const found = findNamespaces();
  if (!found) throw new OperatingError('the bed is not up: npm run bed:up');
  return found;
}

/** A command as it is run in there. */
export function inside(argv: readonly string[]): string[] {
  const { pid } = requireNamespaces();
  return ['nsenter', '-t', String(pid), '-m', '-n', '-p', '--', ...argv];
}

/** Runs a command in there, with Vagrant's directories in the state directory. */
export function runInside(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  return run(inside(argv), { env: environment(), ...options });
}

export function environment(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  return {
    ...process.env,
    VAGRANT_HOME: inState('vagrant-home'), VAGRANT_DOTFILE_PATH: inState('vagrant'),
    VAGRANT_CWD: root, VAGRANT_DEFAULT_PROVIDER: 'libvirt', VAGRANT_CHECKPOINT_DISABLE: '1',
    VAGRANT_NO_COLOR: '1', HOTSWAP_BED_DIR: stateDir,
    HOTSWAP_BED_ACCELERATOR: findNamespaces()?.accelerator ?? 'tcg', ...more,
  };
}

export async function startNamespaces(accelerator: Accelerator): Promise<void> {
  const found = findNamespaces();
  if (found) return;
  prepareFiles();
  const log = openSync(inState('namespaces.log'), 'w');
  const script = join(root, 'vagrant', 'namespace.sh');
  const child = spawn('nice', ['-n', '5', 'unshare', '--fork', '--mount', '--net', '--pid',
    '--mount-proc', '--kill-child', '--', script, stateDir, accelerator],
  { detached: true, stdio: ['ignore', log, log], cwd: '/' });
  closeSync(log);
  child.unref();
  let pid: number | undefined;
  await until('process 1 of the namespaces', 10_000, () => {
    pid = onlyChild(child.pid);
    return pid !== undefined || child.exitCode !== null;
  }, 20);
  const start = pid === undefined ? undefined : processStart(pid);
  if (pid === undefined || start === undefined) throw failed();
  writeFileSync(inState(stateFile), JSON.stringify({ pid, start, accelerator }));
  await until('libvirt', 60_000, async () => {
    if (child.exitCode !== null || child.signalCode !== null) throw failed();
    return runInside(['virsh', '-q', 'list']).then(() => true, () => false);
  });
  await runInside(['virsh', '-q', 'pool-create-as', 'hotswap-bed', 'dir', '--target',
    inState('pool')]);
}

function failed(): OperatingError {
  const said = readFileSync(inState('namespaces.log'), 'utf8').trim().split('\n').slice(-8);
  return new OperatingError(`libvirt did not start in its namespaces:\n${said.join('\n')}`);
}

/** What libvirt finds in /etc, and its empty directories. */
function prepareFiles(): void {
  rmSync(inState('libvirt'), { recursive: true, force: true });
  mkdirSync(inState('pool'), { recursive: true });
  const etc = inState('libvirt', 'etc');
  cpSync('/etc/libvirt', etc, { recursive: true });
  for (const mine of ['qemu/networks/autostart', 'qemu/autostart', 'storage', 'nwfilter']) {
    rmSync(join(etc, mine), { recursive: true, force: true });
  }
  copyFileSync(join(root, 'vagrant', 'qemu.conf'), join(etc, 'qemu.conf'));
}

function onlyChild(pid: number | undefined): number | undefined {
  if (pid === undefined || !existsSync(`/proc/${pid}`)) return undefined;
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
  return text === '' ? undefined : Number(text.split(' ')[0]);
}

/** Ends process 1, and with it all that is in there; resolves when it is gone. */
export async function stopNamespaces(): Promise<boolean> {
  const found = findNamespaces();
  if (found) {
    process.kill(found.pid, 'SIGKILL');
    await until('the end of the namespaces', 30_000,
      () => processStart(found.pid) !== found.start, 50);
  }
  rmSync(inState(stateFile), { force: true });
  return found !== undefined;
}
