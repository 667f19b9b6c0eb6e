/* tidy.ts: the house style as far as a machine can see it, and who may import whom.
 * `npm run check` runs it, and a test; faults are printed as FILE:LINE: what is wrong.
 * The rule: a fault is mended, never listed as an exception here. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Fault {
  file: string;
  line: number;
  what: string;
}

const maxColumns = 100;
const maxLines = 400;

const source = /\.(ts|mts|js|mjs|c|h|S|cc)$/;
/** Made by a program, not by hand: neither size nor style is anybody's. */
const isGenerated = (file: string): boolean => /\.gen\.[a-z]+$|(^|\/)vmlinux\.h$/.test(file);
/** Text that is not ours to break: quoted data, and what npm writes. */
const isData = (file: string): boolean =>
  /(^|\/)package-lock\.json$|\.(md|json|svg|html|txt|capnp)$/.test(file);

/** Which part of the tree may import which; a part may always import itself. */
const mayImport: Record<string, readonly string[]> = {
  cli: ['cluster', 'engine', 'trace', 'calls', 'channel', 'addon', 'bed'],
  cluster: ['engine', 'channel', 'calls', 'addon'],
  engine: ['channel', 'calls', 'addon', 'code'],
  trace: ['calls', 'addon', 'code'],
  code: [],
  channel: [],
  calls: [],
  bed: [],
};

/** Files of src/ itself that every part may import. */
const leaves = new Set(['config', 'config-values', 'errors', 'log', 'program-file',
  'installation']);

/** Outside of src/: may import everything, and is imported by nothing in it. */
const testsAndTools = 'tests and tools';

/** Faults of one file's text. */
export function checkStyle(file: string, text: string): Fault[] {
  const faults: Fault[] = [];
  const lines = text.split('\n');
  const add = (line: number, what: string): void => { faults.push({ file, line, what }); };
  lines.forEach((line, index) => {
    // In two pieces, so that this file does not accuse itself.
    if (new RegExp('\\b(TO' + 'DO|FIX' + 'ME)\\b').test(line)) add(index + 1, 'work left undone');
    if (new RegExp('(?<![\\w.])/wo' + 'rk/').test(line)) add(index + 1, 'path of one machine');
    if (/^(<{7}|>{7})( |$)/.test(line)) add(index + 1, 'a merge that was not finished');
    if (isGenerated(file) || isData(file)) return;
    if ([...line].length > maxColumns) add(index + 1, `longer than ${maxColumns} columns`);
    if (/[ \t]$/.test(line)) add(index + 1, 'white space at the end');
  });
  if (!source.test(file) || isGenerated(file)) return faults;
  const count = text.endsWith('\n') ? lines.length - 1 : lines.length;
  if (count > maxLines) add(count, `longer than ${maxLines} lines`);
  if (!/^(#!.*\n)?(\/\*|\/\/)/.test(text)) add(1, 'does not open with what it is for');
  return faults;
}

/** Faults of one file's imports. */
export function checkImports(file: string, text: string): Fault[] {
  const own = partOf(file);
  if (own === undefined || own === testsAndTools || isGenerated(file)) return [];
  const faults: Fault[] = [];
  text.split('\n').forEach((line, index) => {
    const found = /(?:\bfrom|\bimport|\bimport\()\s*\(?['"]([^'"]+)['"]/.exec(line);
    const target = found && partOf(resolveImport(file, found[1]!));
    if (!target || target === own) return;
    const what = `${own} may not import ${target}`;
    if (own === 'leaf' ? target !== 'leaf' : !isAllowed(own, target)) {
      faults.push({ file, line: index + 1, what });
    }
  });
  return faults;
}

const isAllowed = (own: string, target: string): boolean =>
  target === 'leaf' || (mayImport[own] ?? []).includes(target);

/** A path of the tree for a relative import and for the addon; other packages are none. */
function resolveImport(file: string, specifier: string): string {
  if (specifier === 'bpf-loader') return 'addon/index.js';
  if (!specifier.startsWith('.')) return `node_modules/${specifier}`;
  return posix.join(posix.dirname(file), specifier);
}

/** The part of the tree a file belongs to; undefined where imports are nobody's business. */
function partOf(file: string): string | undefined {
  const [top, second, ...rest] = file.split('/');
  if (top === 'addon') return 'addon';
  if (top === 'test' || top === 'tools') return testsAndTools;
  if (top !== 'src' || second === undefined) return undefined;
  if (rest.length > 0) return second;
  return leaves.has(second.replace(/\.[a-z]+$/, '')) ? 'leaf' : second;
}

/** Parts of src/ that the table above does not know: they must be placed in it. */
export function checkParts(files: readonly string[]): Fault[] {
  const parts = new Set(files.filter((f) => f.startsWith('src/')).map((f) => partOf(f)!));
  return [...parts]
    .filter((part) => part !== 'leaf' && !(part in mayImport))
    .map((part) => ({ file: `src/${part}`, line: 1, what: 'has no place among the imports' }));
}

/** All tracked files: what lies around untracked is not the tree. */
export function listFiles(root: string): string[] {
  // A checkout may belong to somebody else than who runs this: reading it is safe.
  const args = ['-c', `safe.directory=${posix.resolve(root)}`, 'ls-files', '-z'];
  const git = spawnSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  if (git.status !== 0) throw new Error(`git ls-files failed in ${root}: ${git.stderr}`);
  return git.stdout.split('\0').filter((f) => f !== '' && existsSync(posix.join(root, f))).sort();
}

/** All faults of the tree. */
export function checkTree(root: string): Fault[] {
  const files = listFiles(root);
  const faults = checkParts(files);
  for (const file of files) {
    const bytes = readFileSync(posix.join(root, file));
    if (bytes.subarray(0, 8000).includes(0)) continue;
    const text = bytes.toString('utf8');
    faults.push(...checkStyle(file, text));
    if (/\.(ts|js|mjs)$/.test(file)) faults.push(...checkImports(file, text));
  }
  return faults;
}

export const formatFault = ({ file, line, what }: Fault): string => `${file}:${line}: ${what}`;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const faults = checkTree(fileURLToPath(new URL('..', import.meta.url)));
  for (const fault of faults) console.log(formatFault(fault));
  console.log(faults.length === 0 ? 'tidy: no faults' : `tidy: ${faults.length} faults`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
