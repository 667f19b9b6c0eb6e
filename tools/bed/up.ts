/* up.ts: from nothing to three machines that can be spoken to, and back to nothing.
 * The rule: what is there already is not made again, and what was started is known by its pid. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { NotReplicable, UserError } from '../../src/errors.js';
import { chooseAccelerator } from './accelerator.js';
import { boxName, buildBox, sizeOf } from './box.js';
import { waitForSsh, vagrantUp, on } from './machines.js';
import {
  environment, findNamespaces, runInside, startNamespaces, stopNamespaces,
} from './namespaces.js';
import { hostPackages, inState, machineNames, root, stateDir } from './place.js';
import { run, secondsSince, type Screen } from './run.js';

/** Makes the bed, as far as it is not there. */
export async function up(screen: Screen): Promise<void> {
  const startMs = performance.now();
  if (process.geteuid!() !== 0) {
    throw new NotReplicable('the bed needs root, for namespaces and a tree of Debian: use sudo');
  }
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  await installHostPackages(screen);
  requireBuild();
  const isNew = await buildBox(screen);
  const { accelerator, why } = await chooseAccelerator();
  screen.say(`  · machines run under ${accelerator === 'kvm' ? 'KVM' : 'plain emulation'}: ${why}`);
  await screen.step('libvirt, in namespaces of its own', () => startNamespaces(accelerator));
  await screen.step('vagrant up: primary, backup, client', () => vagrantUp(isNew, boxName));
  await Promise.all(machineNames.map((name) => waitForSsh(name)));
  const release = await on('primary', 'uname -r');
  const mebibytes = (name: string): string => (sizeOf(name) / 2 ** 20).toFixed(0);
  screen.say(`bed: up in ${secondsSince(startMs)}: 3 machines, Linux ${release.trim()}, `
    + `box of ${mebibytes('bed.box')} MiB`);
}

async function installHostPackages(screen: Screen): Promise<void> {
  const wanted = hostPackages();
  const query = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n', ...wanted],
    { encoding: 'utf8' });
  if (query.error) throw new UserError(`this is no Debian system; have these: ${wanted.join(' ')}`);
  const there = new Set(query.stdout.split('\n'));
  const lacking = wanted.filter((name) => !there.has(`${name} installed`));
  if (lacking.length === 0) return;
  await screen.step(`packages of this host: ${lacking.join(' ')}`, async () => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
    await run(['apt-get', '-q', 'update'], { env });
    await run(['apt-get', '-q', '-y', '--no-install-recommends', 'install', ...lacking], { env });
  });
}

function requireBuild(): void {
  for (const part of ['dist/src/cli/replicate.js', 'shim/build/hs-start', 'bpf/build']) {
    if (!existsSync(`${root}/${part}`)) {
      throw new UserError(`${part} is not there, and the machines run this build: npm run setup`);
    }
  }
}

/** Brings this checkout's files to the machines again, as they are now. */
export async function sync(screen: Screen): Promise<void> {
  await screen.step('this checkout, to the machines',
    () => runInside(['vagrant', 'rsync'], { env: environment() }));
}

/** Ends all that was started. `all`: forgets the box as well. */
export async function down(screen: Screen, isAll: boolean): Promise<void> {
  const startMs = performance.now();
  const wasUp = findNamespaces() !== undefined;
  await screen.step('machines, libvirt and their networks end', () => stopNamespaces());
  const kept = isAll ? [] : ['tree', 'tree.stamp', 'box.img', 'box.stamp', 'bed.box', 'boot', 'key',
    'key.pub', 'accelerator', 'metadata.json'];
  if (existsSync(stateDir)) {
    for (const name of readdirSync(stateDir)) {
      if (!kept.includes(name)) rmSync(inState(name), { recursive: true, force: true });
    }
    if (isAll) rmSync(stateDir, { recursive: true, force: true });
  }
  screen.say(`bed: down in ${secondsSince(startMs)}${wasUp ? '' : ' (it was not up)'}; `
    + (isAll ? 'nothing is left' : 'the box is kept: --all removes it, too'));
}
