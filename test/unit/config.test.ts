/* config.test.ts: where settings come from, which wins, and what a wrong one is answered with. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { endpoint, formatValue, vip } from '../../src/config-values.js';
import {
  environmentNameOf, flagOf, loadConfiguration, settingNames, settingsTable,
  type ConfigurationInput,
} from '../../src/config.js';
import { UserError } from '../../src/errors.js';
import { suite } from '../support/suite.js';

const test = suite('config');
const folder = mkdtempSync(join(tmpdir(), 'hs-config-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

let folders = 0;
/** A new directory with these files in it. */
function directory(files: Record<string, string> = {}): string {
  const dir = join(folder, String(folders++));
  mkdirSync(dir);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  return dir;
}

const load = (input: ConfigurationInput) =>
  loadConfiguration({ environment: {}, cwd: folder, ...input });

function messageOf(input: ConfigurationInput): string {
  try {
    load(input);
  } catch (error) {
    assert.instance(error, UserError);
    return (error as UserError).message;
  }
  throw new Error('it was accepted');
}

test('flags win over environment, environment over file, file over defaults', () => {
  const toml = 'commit = "async"\nname = "file"\nvip = "10.0.0.1/8"\n';
  const cwd = directory({ 'hotswap.toml': toml });
  const environment = { HOTSWAP_NAME: 'environment', HOTSWAP_VIP: '10.0.0.2/8' };
  const { settings, origins } = load({ cwd, environment, flags: { vip: '10.0.0.3/8' } });
  assert.equal(settings.vip, { address: '10.0.0.3', prefix: 8 });
  assert.equal(origins.vip, { from: 'flag', where: '--vip' });
  assert.is(settings.name, 'environment');
  assert.equal(origins.name, { from: 'environment', where: 'HOTSWAP_NAME' });
  assert.is(settings.commit, 'async');
  assert.equal(origins.commit, { from: 'file', where: join(cwd, 'hotswap.toml') });
  assert.is(settings.schedule, 'serial');
  assert.is(origins.schedule.from, 'default');
  assert.is(settings.listen, undefined);
  assert.is(origins.listen.from, 'unset');
});

test('a JSON file does what a TOML file does, with numbers as numbers', () => {
  const cwd = directory({ 'hotswap.json': '{"max-lag-ms": 7, "log-level": "warn"}' });
  const { settings, file } = load({ cwd });
  assert.is(settings.maxLagMs, 7);
  assert.is(settings.logLevel, 'warn');
  assert.is(file, join(cwd, 'hotswap.json'));
});

test('two settings files in one place are refused', () => {
  const cwd = directory({ 'hotswap.json': '{}', 'hotswap.toml': '' });
  assert.match(messageOf({ cwd }), 'keep one of them');
});

test('a file that is asked for must be there', () => {
  assert.match(messageOf({ file: 'nowhere.toml' }), 'does not exist');
  const environment = { HOTSWAP_CONFIG: join(folder, 'nowhere.json') };
  assert.match(messageOf({ environment }), 'nowhere.json does not exist');
});

test('a file that cannot be parsed is named', () => {
  const cwd = directory({ 'hotswap.toml': 'commit = \n' });
  assert.match(messageOf({ cwd }), join(cwd, 'hotswap.toml'));
});

test('an unknown key in a file is refused by name', () => {
  const cwd = directory({ 'hotswap.toml': 'comit = "async"\n' });
  assert.match(messageOf({ cwd }), 'sets "comit", which is no setting');
});

test('a relative path is relative to the file it stands in, or to the working directory', () => {
  const cwd = directory({ 'hotswap.toml': 'key-file = "pair.key"\n' });
  const file = join(cwd, 'hotswap.toml');
  assert.is(load({ cwd: folder, file }).settings.keyFile, join(cwd, 'pair.key'));
  assert.is(load({ cwd, flags: { keyFile: 'x' } }).settings.keyFile, join(cwd, 'x'));
});

test('threads are ordered serially unless asked otherwise', () => {
  assert.is(load({ flags: { schedule: 'parallel' } }).settings.schedule, 'parallel');
  assert.match(messageOf({ flags: { schedule: 'random' } }), 'expected one of serial, parallel');
});

test('an empty environment variable is as good as none', () => {
  assert.is(load({ environment: { HOTSWAP_COMMIT: '' } }).settings.commit, 'logged');
});

test('a wrong value is answered with where it stands, what it is and what is expected', () => {
  assert.is(
    messageOf({ environment: { HOTSWAP_COMMIT: 'maybe' } }),
    'HOTSWAP_COMMIT is "maybe": expected one of async, logged, verified');
  const cwd = directory({ 'hotswap.toml': 'max-lag-ms = 1.5\n' });
  assert.match(messageOf({ cwd }), /^max-lag-ms in .*hotswap\.toml is 1\.5: expected a whole/);
});

const wrong: Record<string, unknown[]> = {
  listen: ['', 'a', 'a:', ':1', 'a:0', 'a:65536', 'a:1:2', '1.2.3:4', '[::1]', '[x]:1', '::1:7', 7],
  vip: ['', '10.0.0.1', '10.0.0.1/33', '10.0.0/24', 'fd00::1/129', '10.0.0.1/24/1', 'host/24'],
  dev: ['', 'a/b', 'a b', 'sixteen-letters-', '.', '..', 'a:b'],
  name: ['', '.', '..', '.x', 'a/b', 'a b', 'x'.repeat(33)],
  detect: ['', 'slow', '0x3', '50x0', '50', 'x3', '50x', '99999x3', '50x101', '-1x3'],
  maxLagRecords: ['0', '-1', '1.5', 'many', '', '1e3', 2 ** 53],
  runtimeDir: [7],
};
for (const [name, values] of Object.entries(wrong)) {
  test(`${name} refuses what is not one`, () => {
    for (const value of values) {
      assert.match(messageOf({ flags: { [name]: value } }), /is .*: expected /, String(value));
    }
  });
}

test('detection is given as fast or as silences', () => {
  const detectOf = (detect: string) => load({ flags: { detect } }).settings.detect;
  assert.equal(detectOf('fast'), { intervalMs: 10, count: 3 });
  assert.equal(detectOf('100x5'), { intervalMs: 100, count: 5 });
  assert.equal(detectOf('100ms×5'), { intervalMs: 100, count: 5 });
});

test('endpoints read back as they are written', () => {
  const port = fc.integer({ min: 1, max: 65535 });
  fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()), port, (host, number) => {
    const written = `${host.includes(':') ? `[${host}]` : host}:${number}`;
    assert.is(formatValue(endpoint.parse(written)), written);
  }));
});

test('service addresses read back as they are written', () => {
  fc.assert(fc.property(fc.ipV4(), fc.integer({ min: 0, max: 32 }), (address, prefix) => {
    assert.is(formatValue(vip.parse(`${address}/${prefix}`)), `${address}/${prefix}`);
  }));
});

test('every default of the table is a value of its setting and reads back', () => {
  const { settings } = load({});
  for (const name of settingNames) {
    const row = settingsTable[name];
    assert.is(formatValue(settings[name]), 'default' in row ? row.default : '', name);
  }
});

test('flags and environment names follow from the key', () => {
  assert.is(flagOf('maxLagRecords'), '--max-lag-records');
  assert.is(environmentNameOf('maxLagRecords'), 'HOTSWAP_MAX_LAG_RECORDS');
});

test.run();
