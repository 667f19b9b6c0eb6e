/* faults-disk.test.ts: where `record` may put its log: what is there already stays, what cannot be
 * written is an operating fault with the system's own word for it, and a disk that fills up loses
 * nothing of what was written before. */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { ReplayResult } from '../../src/engine/options.js';
import { suite } from '../support/suite.js';
import { hs, makePlace, refusal, replicate, resultOf, run, told } from './support/command.js';

const test = suite('faults of disks');
const place = makePlace('faults-disk');

const record = (dir: string): string[] => ['record', '-o', dir, '--', '/bin/true'];

test('a directory with something in it is refused, and left as it is', async () => {
  const log = join(place, 'log');
  assert.is((await hs(record(log))).code, 0);
  const before = readFileSync(join(log, '000001.seg'));
  assert.match(refusal(await hs(record(log)), 2), /log is not empty: .*name another/);
  assert.ok(readFileSync(join(log, '000001.seg')).equals(before));
  const other = join(place, 'other');
  mkdirSync(other);
  writeFileSync(join(other, 'mine.txt'), 'mine');
  refusal(await hs(record(other)), 2);
  assert.equal(readdirSync(other), ['mine.txt']);
});

test('an empty directory is taken, and missing ones above it are made', async () => {
  const empty = join(place, 'empty');
  mkdirSync(empty);
  assert.is((await hs(record(empty))).code, 0);
  const deep = join(place, 'one', 'two', 'three');
  assert.is((await hs(record(deep))).code, 0);
  assert.ok(existsSync(join(deep, 'meta.json')));
});

test('a file in the way, and a place where nothing can be made, end with a sentence', async () => {
  const file = join(place, 'file');
  writeFileSync(file, 'mine');
  assert.match(refusal(await hs(record(file)), 2), /file is no directory/);
  assert.match(refusal(await hs(record(join(file, 'below'))), 1), /file.* \(ENOTDIR\)/);
  // The kernel answers ENOENT to a new name in a directory that is there.
  assert.match(refusal(await hs(record('/proc/hotswap')), 1), /\/proc\/hotswap \(ENOENT\)/);
});

/** Runs a script whose `$1` is a new file system of its own, which goes with the script. */
const onFileSystem = (options: string, script: string, ...args: string[]) => {
  const dir = join(place, 'mounted');
  mkdirSync(dir, { recursive: true });
  const inside = `mount -t tmpfs -o ${options} none "$1" || exit 99\n${script}`;
  return run(['unshare', '--mount', 'sh', '-c', inside, 'sh', dir, ...args], place);
};

test('a file system that cannot be written ends with the errno', async () => {
  const ended = await onFileSystem('ro', 'shift; exec "$@"',
    ...replicate(record(join(place, 'mounted', 'log'))));
  assert.match(refusal(ended, 1), /mounted\/log \(EROFS\)/);
});

test('a full disk ends the recording with status 1; what was written is replayed', async () => {
  const log = join(place, 'mounted', 'log');
  const recording = replicate(['record', '-o', log, '--',
    '/bin/dd', 'if=/dev/zero', 'of=/dev/null', 'bs=65536', 'count=100000', 'status=none']);
  const replaying = replicate(['replay', '--json', log]);
  const script = `${quoted(recording)}; echo "record $?"
    ${quoted(replaying)}; echo "replay $?"`;
  const ended = await onFileSystem('size=3m', script);
  assert.is(ended.code, 0, told(ended));
  assert.match(ended.stdout, /^record 1$/m, told(ended));
  assert.match(ended.stderr,
    /^hs-replicate: no space left for the log .*000001\.seg at byte \d+ \(ENOSPC\)/m);
  assert.match(ended.stdout, /^replay 0$/m, told(ended));
  const line = ended.stdout.split('\n').find((each) => each.startsWith('{')) ?? '';
  const result = resultOf<ReplayResult>({ ...ended, stdout: line });
  assert.ok(result.records > 20, told(ended));
  assert.equal([result.replayed, result.divergence], [result.records, null]);
  assert.equal([result.complete, result.torn], [false, null], 'it ends between two blocks');
});

const quoted = (argv: string[]): string => argv.map((word) => `'${word}'`).join(' ');

test.run();
