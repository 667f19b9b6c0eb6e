/* setup.mjs: brings a clone to the point where everything works: packages, npm dependencies,
 * native parts, compiled TypeScript, commands. Idempotent; a step whose inputs are unchanged and
 * whose outputs are still there is skipped, so that the second run takes no noticeable time.
 * The rule: plain JavaScript with Node's own modules, because it runs before `npm ci`. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync, existsSync, lstatSync, mkdirSync, openSync, closeSync, readFileSync, readdirSync,
  readlinkSync, rmSync, statSync, symlinkSync, writeFileSync, writeSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const stateDir = join(root, '.setup');
const isQuiet = process.argv.includes('--quiet');
const isBuildOnly = process.argv.includes('--build-only');
const lockTimeoutMs = 30 * 60_000;

class SetupError extends Error {}

const at = (...parts) => join(root, ...parts);
const seconds = (sinceMs) => `${((Date.now() - sinceMs) / 1000).toFixed(1)} s`;
const say = (text) => process.stdout.write(`setup: ${text}\n`);

/** The steps, in order. `run` is called only where `inputs` changed or `outputs` went missing. */
const steps = [
  {
    name: 'npm packages',
    isBuild: false,
    inputs: () => ['package-lock.json', 'package.json', '.npmrc', 'addon/package.json'],
    outputs: () => ['node_modules/.package-lock.json'],
    run: () => run('npm packages', 'npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund']),
  },
  {
    name: 'addon',
    exists: () => existsSync(at('addon', 'build.mjs')),
    // The addon shares headers with the kernel half and the shim.
    inputs: () => ['addon', 'bpf/event.h', 'shim/ring.h', 'package-lock.json'],
    outputs: () => filesUnder('addon/build/Release').filter((file) => file.endsWith('.node')),
    run: () => run('addon', process.execPath, ['addon/build.mjs']),
  },
  makeStep('bpf', ['shim/ring.h']),
  makeStep('shim', []),
  {
    name: 'typescript',
    inputs: () => ['src', 'addon', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'],
    outputs: () => filesUnder('dist'),
    run: () => {
      rmSync(at('dist'), { recursive: true, force: true });
      const tsc = at('node_modules', 'typescript', 'bin', 'tsc');
      run('typescript', process.execPath, [tsc, '-p', 'tsconfig.build.json']);
    },
  },
];

function makeStep(folder, moreInputs) {
  return {
    name: folder,
    exists: () => existsSync(at(folder, 'Makefile')),
    inputs: () => [folder, ...moreInputs],
    outputs: () => filesUnder(folder).filter((file) => isProduct(file)),
    run: () => run(folder, 'make', ['-C', folder, `-j${cpuCount()}`]),
  };
}

function main() {
  const startedMs = Date.now();
  if (Number(process.versions.node.split('.')[0]) < 20) {
    throw new SetupError(`Node ${process.versions.node} is too old: install Node 20 or later`);
  }
  mkdirSync(stateDir, { recursive: true });
  const release = takeLock();
  const done = [];
  try {
    if (!isBuildOnly && installPackages()) done.push('debian packages');
    for (const step of steps) {
      if (isBuildOnly && step.isBuild === false) continue;
      if (step.exists && !step.exists()) continue;
      if (bringUpToDate(step)) done.push(step.name);
    }
    if (linkCommands()) done.push('commands');
  } finally {
    release();
  }
  if (isQuiet && done.length === 0) return;
  const what = done.length > 0 ? `made ${done.join(', ')}` : 'everything was up to date';
  say(`ready in ${seconds(startedMs)} (${what})`);
}

/** Runs the step if it has to be. Returns whether it did. */
function bringUpToDate(step) {
  const stamp = join(stateDir, `${step.name.replaceAll(' ', '-')}.stamp`);
  const inputs = digestOf(step.inputs());
  const stampText = () => `${inputs}\n${inventoryOf(step.outputs())}`;
  const hasOutputs = step.outputs().length > 0;
  if (hasOutputs && existsSync(stamp) && readFileSync(stamp, 'utf8') === stampText()) return false;
  const startedMs = Date.now();
  say(`${step.name} ...`);
  rmSync(stamp, { force: true });
  step.run();
  writeFileSync(stamp, stampText());
  say(`${step.name}: ${seconds(startedMs)}`);
  return true;
}

/** Installs what is missing of tools/packages.txt. Returns whether anything was. */
function installPackages() {
  const wanted = readFileSync(at('tools', 'packages.txt'), 'utf8')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter(Boolean);
  const query = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n'], {
    encoding: 'utf8', maxBuffer: 1 << 26,
  });
  if (query.error) {
    say(`this is no Debian system: packages not installed (tools/packages.txt lists them)`);
    return false;
  }
  const there = new Set();
  for (const line of query.stdout.split('\n')) {
    const [name, status] = line.split(' ');
    if (status === 'installed') there.add(name);
  }
  const missing = wanted.filter((name) => !there.has(name));
  if (missing.length === 0) return false;
  if (process.getuid() !== 0) {
    throw new SetupError(`missing packages: run as root: apt-get install ${missing.join(' ')}`);
  }
  const startedMs = Date.now();
  say(`debian packages: ${missing.join(' ')} ...`);
  run('apt-update', 'apt-get', ['-q', 'update']);
  run('apt-install', 'apt-get', ['-q', '-y', '--no-install-recommends', 'install', ...missing], {
    DEBIAN_FRONTEND: 'noninteractive',
    // Run level 1 keeps invoke-rc.d from starting the servers that the tests only want to have.
    RUNLEVEL: '1',
  });
  say(`debian packages: ${seconds(startedMs)}`);
  return true;
}

/** Links in node_modules/.bin: npx looks there first. Returns whether one was missing. */
function linkCommands() {
  const { bin } = JSON.parse(readFileSync(at('package.json'), 'utf8'));
  const dir = at('node_modules', '.bin');
  mkdirSync(dir, { recursive: true });
  let made = false;
  for (const [name, file] of Object.entries(bin)) {
    const link = join(dir, name);
    const target = relative(dir, at(file));
    chmodSync(at(file), 0o755);
    if (isLinkTo(link, target)) continue;
    rmSync(link, { force: true });
    symlinkSync(target, link);
    made = true;
  }
  return made;
}

function isLinkTo(link, target) {
  try {
    return lstatSync(link).isSymbolicLink() && readlinkSync(link) === target;
  } catch {
    return false;
  }
}

/** Runs a command with its output in a file; on failure shows the end of it. */
function run(name, command, args, environment = {}) {
  const file = join(stateDir, `${name.replaceAll(' ', '-')}.log`);
  const fd = openSync(file, 'w');
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', fd, fd],
    env: { ...process.env, ...environment },
  });
  closeSync(fd);
  if (result.status === 0) return;
  const tail = readFileSync(file, 'utf8').trimEnd().split('\n').slice(-40).join('\n');
  process.stderr.write(`${tail}\n`);
  const why = result.error?.message ?? result.signal ?? `status ${result.status}`;
  throw new SetupError(
    `${name} failed (${why}): ${command} ${args.join(' ')}; all of it: ${relative(root, file)}`,
  );
}

const generatedFolders = new Set(['build', 'node_modules', 'dist', '.output']);
const isProduct = (file) => /(^|\/)build\/|\.(o|so|skel\.h)$|\/vmlinux\.h$/.test(file);

/** All files below a folder, as paths relative to the root, sorted; nothing if it is not there. */
function filesUnder(folder) {
  if (!existsSync(at(folder))) return [];
  return readdirSync(at(folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

function digestOf(paths) {
  const hash = createHash('sha256').update(process.version);
  for (const path of paths) {
    if (!existsSync(at(path))) continue;
    const files = statSync(at(path)).isDirectory() ? sourcesUnder(path) : [path];
    for (const file of files) hash.update(`${file}\0`).update(readFileSync(at(file))).update('\0');
  }
  return hash.digest('hex');
}

function sourcesUnder(folder) {
  return filesUnder(folder).filter((file) =>
    !isProduct(file) && !file.split('/').some((part) => generatedFolders.has(part)));
}

/** Names and sizes of outputs: enough to see that one was removed or left half-written. */
function inventoryOf(files) {
  const lines = files.filter((file) => existsSync(at(file)))
    .map((file) => `${file} ${statSync(at(file)).size}`);
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}

function cpuCount() {
  return Number(spawnSync('nproc', { encoding: 'utf8' }).stdout) || 1;
}

/** One set-up at a time in a checkout; a lock whose owner is dead is taken over. */
function takeLock() {
  const file = join(stateDir, 'lock');
  const deadlineMs = Date.now() + lockTimeoutMs;
  let isTold = false;
  for (;;) {
    try {
      const fd = openSync(file, 'wx');
      writeSync(fd, String(process.pid));
      closeSync(fd);
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (!isOwnerAlive(file)) {
      rmSync(file, { force: true });
    } else if (Date.now() > deadlineMs) {
      throw new SetupError(`another set-up holds ${relative(root, file)}: end it first`);
    } else {
      if (!isTold) say('waiting for another set-up of this checkout');
      isTold = true;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
}

function isOwnerAlive(file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    // Just created and not yet written: its owner is at work.
    if (!pid) return Date.now() - statSync(file).mtimeMs < 5000;
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

try {
  main();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`setup: ${error.message}\n`);
  process.exitCode = 1;
}
