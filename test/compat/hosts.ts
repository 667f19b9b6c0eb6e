/* hosts.ts: a program of the list on the hosts of a bed: its packages on this machine, its files on
 * both hosts, what is prepared once and copied, and its client on the third.
 * The rule: both hosts have the same files before the program starts. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { plan, type Bed } from '../../src/bed/bed.js';
import { LoadHandle } from '../../src/bed/load-handle.js';
import { OperatingError } from '../../src/errors.js';
import { folder, type Program } from './program.js';
import type { CompatReport } from './load.js';

export type Load = LoadHandle<CompatReport>;

/** Installs the packages that are missing; they are optional, so only on demand. */
export function install(programs: readonly Pick<Program, 'packages'>[]): void {
  const wanted = [...new Set(programs.flatMap(({ packages }) => packages))];
  const missing = wanted.filter((name) => !isInstalled(name));
  if (missing.length === 0) return;
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const wait = ['-o', 'DPkg::Lock::Timeout=600', '-q', '-y', '--no-install-recommends'];
  const apt = spawnSync('apt-get', [...wait, 'install', ...missing], {
    encoding: 'utf8', env: environment,
  });
  if (apt.status === 0) return;
  const words = apt.stderr.trim().split('\n').slice(-3).join(' | ');
  throw new OperatingError(`cannot install ${missing.join(' ')}: ${words}`);
}

function isInstalled(name: string): boolean {
  const query = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status}', name], {
    encoding: 'utf8',
  });
  return query.stdout === 'installed';
}

/** The first line with a digit that the program's version command prints. */
export function versionOf({ name, version }: Program): string {
  const [command = '', ...args] = version;
  const { stdout = '', stderr = '' } = spawnSync(command, args, { encoding: 'utf8', cwd: '/' });
  const line = `${stdout ?? ''}\n${stderr ?? ''}`.split('\n').find((each) => /\d/.test(each));
  if (line) return line.trim().replace(/\s+/g, ' ').slice(0, 60);
  throw new OperatingError(`${name} has no version: ${version.join(' ')} printed none`);
}

/** Puts the program's files on both hosts. */
export async function furnish(bed: Bed, program: Program): Promise<void> {
  const { files = {}, prepare } = program;
  const contents = typeof files === 'function' ? files() : files;
  for (const host of ['primary', 'backup'] as const) {
    await bed.run(host, ['mkdir', '-p', folder]);
    for (const [path, data] of Object.entries(contents)) {
      await bed.writeFile(host, path.startsWith('/') ? path : `${folder}/${path}`, data, 0o644);
    }
  }
  if (!prepare) return;
  await bed.run('primary', ['sh', '-ec', prepare], { cwd: folder });
  const [from, to] = [bed.path('primary', folder), bed.path('backup', folder)];
  const copy = spawnSync('cp', ['-a', '--', `${from}/.`, to], { encoding: 'utf8' });
  if (copy.status !== 0) throw new OperatingError(`cannot copy ${folder}: ${copy.stderr}`);
}

/** Starts the program's client; resolves when the program has answered all its sessions. */
export function openLoad(
  bed: Bed, { name }: Program, seed: number, thinkMs?: number,
): Promise<Load> {
  const options = { program: name, host: plan.vip, seed, drainMs: 20_000, thinkMs };
  const main = fileURLToPath(new URL('load-main.ts', import.meta.url));
  const argv = [process.execPath, '--import', 'tsx', main, JSON.stringify(options)];
  return LoadHandle.open<CompatReport>(bed, argv);
}
