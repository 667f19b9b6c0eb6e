/* session.test.ts: how the end of a program is told, with a starter that is none. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { layout } from '../../../src/channel/index.js';
import { Session, newFacts } from '../../../src/engine/session.js';

const place = mkdtempSync(join(tmpdir(), 'hs-session-'));
const starter = join(place, 'starter');
const program = { command: ['none'], cwd: '/', env: {} };

test.before(() => {
  writeFileSync(starter, '#!/bin/sh\nexec sleep 30\n');
  chmodSync(starter, 0o700);
});
test.after(() => rmSync(place, { recursive: true }));

test('a copy ends, with the sentence, when the shim gave up one of its processes', async () => {
  const parts = { starter, ringBytes: 1 << 20 };
  const session = new Session(newFacts(parts, { mode: layout.HS_MODE_REPLAY }), parts);
  try {
    session.start(program, { isDetached: true });
    const { CONTROL, SIZES } = layout;
    session.control.setText(CONTROL.sentence, SIZES.sentence, 'one of several is gone');
    session.control.store32(CONTROL.failure, 70);
    const error = await session.ended().then(() => undefined, (reason: Error) => reason);
    assert.is(error?.message, 'the shim stopped: one of several is gone');
  } finally {
    session.close();
  }
});

test.run();
