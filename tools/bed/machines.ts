/* machines.ts: the three machines as a program sees them: commands on them by ssh, their power by
 * virsh, their cables at the bridges. What they are is in the Vagrantfile.
 * The rule: a machine is reached through the management network alone, so that what is done to the
 * networks of the pair does not cut the bed's own hands off. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { OperatingError } from '../../src/errors.js';
import { inState, machineNames, type MachineName } from './place.js';
import { environment, inside, runInside } from './namespaces.js';
import { run, until, type RunOptions } from './run.js';
import { shellQuote } from './quote.js';

export const plan = {
  serviceDevice: 'eth1',
  channelDevice: 'eth2',
  service: { client: '10.77.0.1', primary: '10.77.0.2', backup: '10.77.0.3' },
  channel: { primary: '10.78.0.2', backup: '10.78.0.3' },
  vip: '10.77.0.100',
  vipPrefix: '10.77.0.100/24',
} as const;

export type NetworkName = 'service' | 'channel';

const bootBoundMs = 300_000;

/** Makes and boots what is not there, in Vagrant's way: box, networks, domains, files. */
export async function vagrantUp(isNewBox: boolean, boxName: string): Promise<void> {
  const env = environment();
  mkdirSync(inState('vagrant-home'), { recursive: true });
  const boxes = await runInside(['vagrant', 'box', 'list'], { env });
  if (isNewBox || !boxes.includes(boxName)) {
    await runInside(['vagrant', 'box', 'add', '--force', '--name', boxName, inState('bed.box')],
      { env });
  }
  await runInside(['vagrant', 'up', '--provider', 'libvirt'], { env, boundMs: 1_800_000 });
  await writeSshConfig();
}

/** One file for all machines; connections are shared, since making one takes a second here. */
async function writeSshConfig(): Promise<void> {
  const env = environment();
  const text = await runInside(['vagrant', 'ssh-config', ...machineNames], { env });
  const lines = text.replace(/^(\s*User) .*$/gm, '$1 root')
    .replace(/^(\s*IdentityFile) .*$/gm, `$1 ${inState('key')}`);
  const shared = 'Host *\n  ControlMaster auto\n  ControlPersist 600\n'
    + `  ControlPath ${inState('ssh-%n')}\n  ServerAliveInterval 0\n  ConnectTimeout 20\n\n`;
  writeFileSync(inState('ssh.config'), shared + lines);
}

export const sshArgv = (name: MachineName, ...more: string[]): string[] =>
  inside(['ssh', '-F', inState('ssh.config'), ...more, name]);

/** Runs a shell line on a machine; resolves with what it printed. */
export function on(name: MachineName, line: string, options: RunOptions = {}): Promise<string> {
  return run([...sshArgv(name), line], { boundMs: 120_000, ...options });
}

/** Starts a program on a machine, for as long as the connection lasts. */
export function spawnOn(
  name: MachineName, argv: readonly string[], options: SpawnOptions = {},
): ChildProcess {
  const [command = '', ...args] = [...sshArgv(name), argv.map(shellQuote).join(' ')];
  return spawn(command, args, { ...options, cwd: '/' });
}

export async function putFile(
  name: MachineName, path: string, data: string | Buffer, mode = '600',
): Promise<void> {
  const file = shellQuote(path);
  await on(name, `umask 077; mkdir -p "$(dirname ${file})"; cat > ${file}; chmod ${mode} ${file}`,
    { input: data });
}

const virsh = (...argv: string[]): Promise<string> => runInside(['virsh', '-q', ...argv]);
export const domainOf = (name: MachineName): string => `hotswap_${name}`;

export async function stateOf(name: MachineName): Promise<string> {
  return (await virsh('domstate', domainOf(name))).trim();
}

/** The power cut: the machine is gone between two of its instructions. */
export async function powerCut(name: MachineName): Promise<void> {
  await virsh('destroy', domainOf(name));
  await forgetConnection(name);
}

/** A shared connection to a machine that is gone would be waited for. */
async function forgetConnection(name: MachineName): Promise<void> {
  await run([...inside(['ssh', '-F', inState('ssh.config'), '-O', 'exit', name])])
    .catch(() => undefined);
  rmSync(inState(`ssh-${name}`), { force: true });
}

/** Switches a machine on; resolves when it can be spoken to. */
export async function powerOn(name: MachineName): Promise<void> {
  await virsh('start', domainOf(name));
  await waitForSsh(name);
}

export async function waitForSsh(name: MachineName): Promise<void> {
  await until(`ssh to ${name}`, bootBoundMs, () =>
    on(name, 'true', { boundMs: 15_000 }).then(() => true, () => false), 1000);
}

export const pause = (name: MachineName): Promise<string> => virsh('suspend', domainOf(name));
export const resume = (name: MachineName): Promise<string> => virsh('resume', domainOf(name));

/** Changes a machine that is off: its definition, as text, goes through `change`. */
export async function redefine(name: MachineName, change: (xml: string) => string) {
  const before = await virsh('dumpxml', '--inactive', domainOf(name));
  const file = inState(`${name}.xml`);
  writeFileSync(file, change(before));
  await virsh('define', file);
  return before;
}

/** The tap device of a machine at a network's bridge. */
export async function portOf(name: MachineName, network: NetworkName): Promise<string> {
  const list = await virsh('domiflist', domainOf(name));
  const row = list.split('\n').map((line) => line.trim().split(/\s+/))
    .find((cells) => cells[2] === `hotswap-${network}`);
  if (!row?.[0]) throw new OperatingError(`${name} has no port on ${network}: ${list}`);
  return row[0];
}

/** Pulls a cable, or puts it back, at the bridge: the machine sees no change of its carrier. */
export async function setLink(name: MachineName, network: NetworkName, isUp: boolean) {
  const port = await portOf(name, network);
  await runInside(['bridge', 'link', 'set', 'dev', port, 'state', isUp ? '3' : '0']);
}
