/* vagrant.test.ts: what can be known of the bed of three machines without booting any: its scripts
 * parse, its lists of packages are no second list, its addresses are those of the namespaces' bed,
 * and what it reads (words for a shell, lines of tcpdump, seeds) is read rightly. */
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { plan as namespacePlan } from '../../src/bed/bed.js';
import { packagesToRun } from '../../src/cli/preflight/host.js';
import { cutAfterMs, seedOf } from '../../tools/bed/cuts.js';
import { plan } from '../../tools/bed/machines.js';
import { boundMs } from '../../tools/bed/pair.js';
import { guestPackages, hostPackages, root, section } from '../../tools/bed/place.js';
import { shellQuote } from '../../tools/bed/quote.js';
import { readSighting } from '../../tools/bed/witness.js';
import { suite } from '../support/suite.js';

const test = suite('vagrant');
const text = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8');

/** Runs a checker if this host has it; undefined if not. */
function check(command: string, ...args: string[]): string | undefined {
  const { error, status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return undefined;
  return status === 0 ? '' : `${stdout}${stderr}`;
}

test('the Vagrantfile parses', () => {
  assert.is(check('ruby', '-c', join(root, 'Vagrantfile')) ?? '', '');
});

test('the scripts of the machines parse', () => {
  const scripts = readdirSync(join(root, 'vagrant')).filter((name) => {
    return name.endsWith('.sh') || name === 'init';
  });
  assert.ok(scripts.length >= 4, 'there are scripts');
  for (const name of scripts) {
    const file = join(root, 'vagrant', name);
    const shell = text('vagrant', name).startsWith('#!/bin/bash') ? 'bash' : 'sh';
    assert.is(check(shell, '-n', file), '', name);
    if (name !== 'init') assert.is(check('shellcheck', file) ?? '', '', name);
  }
});

test('what a machine gets of the project is in the one list, not in the bed\'s', () => {
  const list = text('tools', 'packages.txt');
  const { base, kernels, project } = guestPackages();
  for (const name of packagesToRun(list)) assert.ok(project.includes(name), name);
  assert.ok(project.includes('redis-server'));
  for (const name of [...base, ...kernels]) {
    if (name !== 'tcpdump') assert.not.ok(project.includes(name), `${name} is named twice`);
  }
  assert.ok(kernels.length === 2 && hostPackages().includes('vagrant'));
});

test('provision.sh reads the same sections of the list', () => {
  for (const heading of ['to run', 'for the demo']) {
    assert.ok(text('vagrant', 'provision.sh').includes(`section '${heading}'`), heading);
    const read = spawnSync('sed', ['-n', `/^# ${heading}$/,/^$/p`,
      join(root, 'tools', 'packages.txt')], { encoding: 'utf8' }).stdout;
    const names = read.split('\n').map((line) => line.replace(/#.*/, '').trim()).filter(Boolean);
    assert.equal(names, section(text('tools', 'packages.txt'), heading));
  }
});

test('the machines have the addresses of the hosts in namespaces', () => {
  const vagrantfile = text('Vagrantfile');
  assert.equal(plan.service, namespacePlan.service);
  assert.equal(plan.channel, namespacePlan.channel);
  assert.is(plan.vipPrefix, namespacePlan.vipPrefix);
  for (const [name, address] of Object.entries(plan.service)) {
    assert.match(vagrantfile, new RegExp(`'${name}' => \\{ service: '${address}'`));
  }
});

test('no bridge of the host has the address of a machine, or the service\'s', () => {
  const line = /^BRIDGES = .*/m.exec(text('Vagrantfile'))?.[0] ?? '';
  const bridges = line.match(/\d+\.\d+\.\d+\.\d+/g) ?? [];
  assert.is(bridges.length, 2);
  const { service, channel, vip } = plan;
  const taken: string[] = [...Object.values(service), ...Object.values(channel), vip];
  for (const address of bridges) assert.not.ok(taken.includes(address), address);
});

test('a word is one word to a shell, whatever is in it', () => {
  for (const word of ['plain', '', 'two words', "it's", '$HOME', '`id`', '{"a":1}', 'a\nb']) {
    const line = `printf %s ${shellQuote(word)}`;
    assert.is(spawnSync('sh', ['-c', line], { encoding: 'utf8' }).stdout, word);
  }
});

test('a witness knows ARP from data, and a reset from an acknowledgement', () => {
  const arp = readSighting('1.5 ARP, Reply 10.77.0.100 is-at 02:48:53:00:00:02, length 28');
  assert.is(arp.kind, 'arp');
  assert.is(arp.at, 1.5);
  const data = readSighting(
    '2.0 IP 10.77.0.100.6379 > 10.77.0.1.4000: Flags [P.], seq 1:6, ack 1, win 5, length 5: RESP');
  assert.is(data.kind, 'tcp');
  assert.is(data.lenBytes, 5);
  assert.not.ok(data.isReset);
  assert.ok(readSighting('2 IP a.1 > b.2: Flags [R.], seq 1, ack 2, win 0, length 0').isReset);
});

test('a power cut follows from its seed', () => {
  assert.is(seedOf(7, 0), 7);
  assert.is(seedOf(7, 3), seedOf(7, 3));
  assert.is.not(seedOf(7, 3), seedOf(7, 4));
  assert.is(cutAfterMs(7), cutAfterMs(7));
  assert.ok(cutAfterMs(7) >= 500 && cutAfterMs(7) <= 6000);
  assert.is(boundMs('1000x5'), 5000);
});

test.run();
