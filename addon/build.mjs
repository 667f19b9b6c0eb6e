// Builds build/Release/bpf_loader.node without the network: the node-gyp that npm carries, and the
// headers of the Node that runs this. Does nothing when the result is newer than every source.
// The one rule: a failure says which Debian package is missing, and exits 1.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const output = join(here, 'build', 'Release', 'bpf_loader.node');
const prefix = dirname(dirname(realpathSync(process.execPath)));

/** The node-gyp to run: npm's own, next to the running Node or to the npm that runs this script. */
function findNodeGyp() {
  const npmRoots = [join(prefix, 'lib', 'node_modules', 'npm')];
  if (process.env.npm_execpath) npmRoots.push(dirname(dirname(process.env.npm_execpath)));
  for (const root of npmRoots) {
    const script = join(root, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js');
    if (existsSync(script)) return script;
  }
  return undefined;
}

function isFresh() {
  if (!existsSync(output)) return false;
  const builtMs = statSync(output).mtimeMs;
  const sources = readdirSync(join(here, 'src')).map((name) => join(here, 'src', name));
  sources.push(join(here, 'binding.gyp'), process.execPath);
  return sources.every((path) => statSync(path).mtimeMs <= builtMs);
}

function fail(sentence) {
  process.stderr.write(`bpf-loader: ${sentence}\n`);
  process.exit(1);
}

const isForced = process.argv.includes('--force');
if (isForced || !isFresh()) {
  if (!existsSync('/usr/include/bpf/libbpf.h')) fail('libbpf is missing: apt install libbpf-dev');
  if (!existsSync(join(prefix, 'include', 'node', 'node_api.h'))) {
    fail(`Node's headers are missing: looked in ${join(prefix, 'include', 'node')}`);
  }
  const script = findNodeGyp();
  if (script === undefined) fail("npm's node-gyp is missing: install npm for the running Node");
  // Not `rebuild`: who runs meanwhile keeps the old result until the new one replaces it.
  const objects = join(here, 'build', 'Release', 'obj.target');
  if (isForced) rmSync(objects, { recursive: true, force: true });
  const args = [script, 'configure', 'build', `--nodedir=${prefix}`, '--jobs=max'];
  const run = spawnSync(process.execPath, args, { cwd: here, encoding: 'utf8' });
  if (run.status !== 0) {
    process.stderr.write(`${run.stdout ?? ''}${run.stderr ?? ''}`);
    fail('the build failed (it needs g++, make and python3)');
  }
}
