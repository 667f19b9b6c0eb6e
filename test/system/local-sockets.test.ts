/* local-sockets.test.ts: a pair whose processes are joined by Unix sockets with names. The primary
 * is killed under load: connections between the processes live on, names are there for new ones,
 * and a process outside of the program that was connected finds that its connection has ended.
 * bound: 120 */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bed, type HostName } from '../../src/bed/bed.js';
import { suite } from '../support/suite.js';
import {
  asked, endClient, keepOver, programs, startKeepClient, untilInUse,
} from './support/keep-client.js';
import { endSides, giveKeys, startPair } from './support/pair.js';

const test = suite('Unix sockets with names');
const ways = 4;

/** Says what a process of the host, but not of the program, is answered. */
const askedOutside = (bed: Bed, host: HostName): Promise<string> =>
  bed.run(host, ['python3', '-c', 'import socket; s = socket.socket(socket.AF_UNIX);' +
    's.connect("/run/outside"); s.send(b"41\\n"); print(int(s.recv(100)))']);

test('connections within the program outlive the primary, and names are there', async () => {
  await using bed = await Bed.create();
  try {
    await giveKeys(bed);
    const command = ['/usr/bin/python3', join(programs, 'local-server.py')];
    const sides = await startPair(bed, command);
    const client = startKeepClient(bed, { port: 80, kind: 'lines', connections: 2 });
    await untilInUse(client, sides);
    const peers = await asked(bed, 'peers');
    assert.is(peers.split(' ').length, ways, peers);
    assert.is(await askedOutside(bed, 'primary'), '42\n');
    await keepOver(bed, client, sides);
    await endClient(client, sides);
    assert.is(await asked(bed, 'peers'), peers);
    assert.is(await asked(bed, 'fresh'), `${2 * ways}\n`);
    assert.is(await askedOutside(bed, 'backup'), '42\n');
    assert.not.match(sides.backup.stderr, /hotswap: .*(cannot|not here)/);
  } finally {
    await endSides();
  }
}, 90_000);

test.run();
