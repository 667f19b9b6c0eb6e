/* cli.test.ts: the commands from outside: exit status, what goes to stdout and what to stderr. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { replicateCommands } from '../../src/cli/commands/index.js';
import { createProgram } from '../../src/cli/shell.js';
import { suite } from '../support/suite.js';

const test = suite('command line');
const folder = mkdtempSync(join(tmpdir(), 'hs-cli-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const entryOf = (name: string) =>
  fileURLToPath(new URL(`../../src/cli/${name}.ts`, import.meta.url));
const tsx = import.meta.resolve('tsx');

interface Outcome {
  status: number | null;
  out: string;
  err: string;
}

function runCommand(name: string, args: string[], env: Record<string, string>): Promise<Outcome> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, ['--import', tsx, entryOf(name), ...args], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '', ...env },
      timeout: 30_000,
    });
    const outcome = { status: null as number | null, out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => { outcome.out += text; });
    child.stderr.setEncoding('utf8').on('data', (text: string) => { outcome.err += text; });
    child.once('error', fail);
    child.once('close', (status) => done({ ...outcome, status }));
  });
}

const replicate = (args: string[], env: Record<string, string> = {}) =>
  runCommand('replicate', args, env);

test('without a command it prints its help on stderr and ends with 2', async () => {
  const { status, out, err } = await replicate([]);
  assert.is(status, 2);
  assert.is(out, '');
  assert.match(err, 'Usage: hs-replicate');
});

test('an unknown command or option is a usage error in one line', async () => {
  for (const args of [['bogus'], ['status', '--bogus'], ['replay'], ['key', 'a', 'b']]) {
    const { status, out, err } = await replicate(args);
    assert.is(status, 2, args.join(' '));
    assert.is(out, '');
    assert.match(err, /^hs-replicate: .*; see "hs-replicate .*--help"\n$/);
  }
});

test('every command has help with an example, --json and --version', async () => {
  const program = createProgram('hs-replicate', 'for a test', replicateCommands);
  assert.is(program.commands.length, 14);
  for (const command of program.commands) {
    let help = '';
    command.configureOutput({ writeOut: (text) => { help += text; } });
    command.outputHelp();
    for (const part of ['Usage: hs-replicate', '--json', '--version', '--log-level']) {
      assert.match(help, part, command.name());
    }
    assert.match(help, /Examples?:\n {2}\$ .*hs-replicate/, command.name());
  }
});

test('--help and --version of a command go to stdout and end with 0', async () => {
  const help = await replicate(['record', '--help']);
  assert.equal([help.status, help.err], [0, '']);
  assert.match(help.out, 'Usage: hs-replicate record');
  assert.match((await replicate(['record', '--version'])).out, /^\d+\.\d+\.\d+\n$/);
});

test('key makes a private key and never overwrites one', async () => {
  const file = join(folder, 'pair.key');
  const made = await replicate(['key', file, '--json']);
  assert.is(made.status, 0);
  assert.equal(JSON.parse(made.out), { ok: true, file, bits: 256 });
  const text = readFileSync(file, 'utf8');
  assert.match(text, /^[0-9a-f]{64}\n$/);
  assert.is(statSync(file).mode & 0o777, 0o600);

  const again = await replicate(['key', file]);
  assert.is(again.status, 2);
  assert.match(again.err, 'exists already');
  assert.is(readFileSync(file, 'utf8'), text);
});

test('config tells each setting and where it came from', async () => {
  const { status, out } = await replicate(
    ['config', '--json', '--name', 'web'], { HOTSWAP_COMMIT: 'async' });
  assert.is(status, 0);
  const { settings } = JSON.parse(out);
  assert.equal(settings.name, {
    value: 'web', from: 'flag', where: '--name', environment: 'HOTSWAP_NAME',
  });
  assert.is(settings.commit.from, 'environment');
  assert.is(settings['max-lag-ms'].from, 'default');
});

test('a wrong setting in the environment is a usage error', async () => {
  const { status, err } = await replicate(['config'], { HOTSWAP_VIP: 'nowhere' });
  assert.is(status, 2);
  assert.match(err, 'HOTSWAP_VIP is "nowhere"');
});

test('with --json an error is an object on stdout too', async () => {
  const { status, out, err } = await replicate(['status', '--json', '--runtime-dir', folder]);
  assert.is(status, 1);
  const { ok, error } = JSON.parse(out);
  assert.is(ok, false);
  assert.equal([error.code, error.reason], ['HS_OPERATING', 'ENOENT']);
  assert.match(err, 'no pair named "default" is running here');
});

test('an error shows its stack only when debugging', async () => {
  const args = ['status', '--runtime-dir', folder];
  assert.not.match((await replicate(args)).err, '    at ');
  assert.match((await replicate([...args, '--log-level', 'debug'])).err, '    at ');
});

test('commands of later versions say so and end with 2', async () => {
  const calls: [string, string[]][] = [
    ['replicate', ['pair', '--peer', 'b:1', '--', 'true']],
    ['replicate', ['sync']],
    ['replicate', ['mirror', '--path', '/srv']],
    ['cluster', ['list']],
  ];
  for (const [name, args] of calls) {
    const { status, err } = await runCommand(name, args, {});
    assert.is(status, 2, args.join(' '));
    assert.match(err, /^hs-[a-z]+: .* is not part of this version yet.*\n$/);
  }
});

test('primary tells which setting is missing and how to give it', async () => {
  const { status, err } = await replicate(['primary', '--dev', 'lo', '--', 'true']);
  assert.is(status, 2);
  assert.match(err, '--listen is missing: give it, or set HOTSWAP_LISTEN');
});

test('a program that is not there is refused before anything starts', async () => {
  const outDir = join(folder, 'log');
  const { status, err } = await replicate(['record', '-o', outDir, '--', 'no-such-program']);
  assert.is(status, 2);
  assert.match(err, 'program "no-such-program" is not on the PATH');
  assert.not.ok(existsSync(outDir));
});

test('record does not write into a directory that holds something', async () => {
  const { status, err } = await replicate(['record', '-o', '/usr', '--', 'true']);
  assert.is(status, 2);
  assert.match(err, '/usr is not empty');
});

test('a key file that others can read is refused', async () => {
  const file = join(folder, 'open.key');
  writeFileSync(file, `${'0'.repeat(64)}\n`, { mode: 0o644 });
  const { status, err } = await replicate(
    ['backup', '--connect', '127.0.0.1:1', '--dev', 'lo', '--key-file', file]);
  assert.is(status, 2);
  assert.match(err, 'can be read by others: chmod 600');
});

test('check tells each probe, and ends with 4 when one is missing', async () => {
  const { status, out } = await replicate(['check', '--json', '--', 'no-such-program', '--json']);
  assert.is(status, 4);
  const { ok, probes } = JSON.parse(out);
  assert.is(ok, false);
  const program = probes.find((p: { name: string }) => p.name === 'program');
  assert.is(program.status, 'missing');
  for (const probe of probes) {
    assert.ok(['ok', 'warn', 'missing'].includes(probe.status));
    assert.is(probe.fix === undefined, probe.status === 'ok', probe.name);
  }
});

test.run();
