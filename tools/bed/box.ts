/* box.ts: the box, made here from Debian packages, for where no image server is to be had:
 * debootstrap → packages → vagrant/guest.sh → two kernels with a small initial RAM disk each →
 * ext4 → qcow2 → box. A stage whose inputs did not change is not made again.
 * The rule: the file system has a journal, since its machines lose their power. */
import { createHash } from 'node:crypto';
import {
  chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, rmSync,
  statSync, writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { OperatingError } from '../../src/errors.js';
import { guestPackages, inState, kernels, readState, root, type KernelName } from './place.js';
import { run, type Screen } from './run.js';

const release = 'bookworm';
const sizeGiB = 4;
export const boxName = 'hotswap-bed';
const tree = (...parts: string[]): string => inState('tree', ...parts);
const source = (name: string): string => readFileSync(join(root, 'vagrant', name), 'utf8');
const digest = (...texts: string[]): string =>
  createHash('sha256').update(texts.join('\0')).digest('hex');

/** Makes the box if it is not there. Returns whether it is another one than before. */
export async function buildBox(screen: Screen): Promise<boolean> {
  const packages = guestPackages();
  const treeStamp = digest(release, JSON.stringify(packages));
  if (readState('tree.stamp') !== treeStamp) {
    await screen.step('a Debian tree, by debootstrap', () => bootstrap());
    await screen.step('packages: the project\'s list, and two kernels', () => installInTree());
    writeFileSync(inState('tree.stamp'), treeStamp);
  }
  const boxStamp = digest(treeStamp, source('guest.sh'), source('init'), process.version);
  if (readState('box.stamp') === boxStamp && existsSync(inState('box.img'))) return false;
  await screen.step('kernels, initial RAM disks, image and box', () => packBox());
  writeFileSync(inState('box.stamp'), boxStamp);
  return true;
}

/** Where this host gets its packages from: the box gets them there, too. */
async function mirrors(): Promise<{ main: string; security: string | undefined }> {
  const policy = await run(['apt-cache', 'policy', 'base-files', 'linux-image-cloud-amd64']);
  const find = (suite: string): string | undefined =>
    new RegExp(`(https?://\\S+) ${suite}/main`).exec(policy)?.[1];
  const main = process.env['HOTSWAP_BED_MIRROR'] ?? find(release);
  if (!main) throw new OperatingError(`this host's apt knows no mirror of ${release}: ` +
    'name one in HOTSWAP_BED_MIRROR');
  return { main, security: find(`${release}-security`) };
}

async function bootstrap(): Promise<void> {
  rmSync(inState('tree.stamp'), { force: true });
  rmSync(tree(), { recursive: true, force: true });
  mkdirSync(tree(), { recursive: true });
  const { main, security } = await mirrors();
  const include = guestPackages().base.join(',');
  await run(['debootstrap', '--variant=minbase', `--include=${include}`, release, tree(), main]);
  const lines = [`deb ${main} ${release} main`, `deb ${main} ${release}-updates main`];
  if (security) lines.push(`deb ${security} ${release}-security main`);
  writeFileSync(tree('etc/apt/sources.list'), `${lines.join('\n')}\n`);
}

async function installInTree(): Promise<void> {
  copyFileSync('/etc/resolv.conf', tree('etc/resolv.conf'));
  // The machines boot with the bed's own RAM disks: Debian's would take minutes to make.
  mkdirSync(tree('etc/initramfs-tools'), { recursive: true });
  writeFileSync(tree('etc/initramfs-tools/update-initramfs.conf'), 'update_initramfs=no\n');
  const { project, kernels: images } = guestPackages();
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const chroot = (...argv: string[]): Promise<string> =>
    run(['chroot', tree(), ...argv], { env: environment, cwd: '/' });
  await chroot('apt-get', '-q', 'update');
  await chroot('apt-get', '-q', '-y', '--no-install-recommends', 'install',
    '-o', 'Dpkg::Options::=--force-confold', ...project, ...images);
}

async function packBox(): Promise<void> {
  rmSync(inState('box.stamp'), { force: true });
  // Debian 12 has Node 18: the machines run the Node that runs this.
  copyFileSync(realpathSync(process.execPath), tree('usr/bin/node'));
  chmodSync(tree('usr/bin/node'), 0o755);
  writeFileSync(tree('guest.sh'), source('guest.sh'));
  await run(['chroot', tree(), 'sh', '/guest.sh'], { input: await publicKey(), cwd: '/' });
  rmSync(tree('guest.sh'));
  for (const name of Object.keys(kernels) as KernelName[]) await packKernel(name);
  const raw = inState('disk.raw');
  const image = inState('box.img');
  rmSync(raw, { force: true });
  await run(['truncate', '-s', `${sizeGiB}G`, raw]);
  await run(['mke2fs', '-q', '-t', 'ext4', '-E', 'lazy_itable_init=1,nodiscard', '-d', tree(),
    raw]);
  await run(['qemu-img', 'convert', '-O', 'qcow2', raw, image]);
  rmSync(raw);
  writeFileSync(inState('metadata.json'),
    JSON.stringify({ provider: 'libvirt', format: 'qcow2', virtual_size: sizeGiB }));
  await run(['tar', '-C', inState(), '-cf', inState('bed.box'), 'metadata.json', 'box.img']);
}

/** Of a key made for this bed alone. */
async function publicKey(): Promise<string> {
  if (!existsSync(inState('key'))) {
    await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', boxName, '-f', inState('key')]);
  }
  return readFileSync(inState('key.pub'), 'utf8').trim();
}

/** The modules a machine needs before it has its disk, and those of its network. */
const modules = ['virtio_pci', 'virtio_blk', 'virtio_net', 'virtio_rng', 'crc32c_generic', 'ext4'];

async function packKernel(name: KernelName): Promise<void> {
  const version = readdirSync(tree('lib/modules')).find((each) => kernels[name].test(each));
  if (!version) throw new OperatingError(`no kernel like ${kernels[name]} was installed`);
  const folder = inState('boot', name);
  const disk = inState('boot', `${name}.tree`);
  rmSync(disk, { recursive: true, force: true });
  for (const part of ['bin', 'dev', 'proc', 'sys', 'mnt', 'm']) {
    mkdirSync(join(disk, part), { recursive: true });
  }
  mkdirSync(folder, { recursive: true });
  copyFileSync(tree('boot', `vmlinuz-${version}`), join(folder, 'vmlinuz'));
  copyFileSync(realpathSync('/bin/busybox'), join(disk, 'bin/busybox'));
  copyFileSync(join(root, 'vagrant', 'init'), join(disk, 'init'));
  chmodSync(join(disk, 'bin/busybox'), 0o755);
  chmodSync(join(disk, 'init'), 0o755);
  const order: string[] = [];
  for (const module of modules) {
    const needed = await run(['chroot', tree(), 'modprobe', '-S', version, '-D', module],
      { cwd: '/' });
    for (const [, path = ''] of needed.matchAll(/^insmod (\S+)/gm)) {
      if (order.includes(basename(path))) continue;
      copyFileSync(tree(path), join(disk, 'm', basename(path)));
      order.push(basename(path));
    }
  }
  writeFileSync(join(disk, 'm/order'), order.map((each) => `${each}\n`).join(''));
  await run(['sh', '-c', 'find . | cpio -o -H newc --quiet | zstd -q -3 -f -o "$1"', 'sh',
    join(folder, 'initrd.img')], { cwd: disk });
  rmSync(disk, { recursive: true });
}

/** Bytes of a file of the state directory. */
export const sizeOf = (name: string): number => statSync(inState(name)).size;
