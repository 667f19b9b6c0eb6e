/* silence.test.ts: a silence is what was listened to: a peer that is quiet is found after the
 * bound, and a stall of the listener's own is not taken for one. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { Silence } from '../../../src/channel/silence.js';
import { suite } from '../../support/suite.js';

const test = suite('silence');

test('a listener that is on time finds a quiet peer when the bound is over', () => {
  const silence = new Silence(160, 0);
  for (let at = 20; at < 160; at += 20) {
    silence.step(at);
    assert.is(silence.isOver, false, `at ${at}`);
  }
  assert.is(silence.step(160), 160);
  assert.is(silence.isOver, true);
});

test('a byte begins it anew', () => {
  const silence = new Silence(160, 0);
  for (let at = 20; at <= 140; at += 20) silence.step(at);
  silence.heard(150);
  silence.step(160);
  assert.is(silence.isOver, false);
});

test('a stall of the listener counts as one step, however long', () => {
  const silence = new Silence(160, 0);
  assert.is(silence.step(10_000), 20);
  assert.is(silence.isOver, false);
});

test('it is never found before the bound, and always after eight steps of silence', () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 500 }), { maxLength: 40 }), (gaps) => {
    const silence = new Silence(80, 0);
    let now = 0;
    for (const gap of gaps) {
      silence.step(now += gap);
      if (silence.isOver) assert.ok(now >= 80);
    }
    for (let i = 0; i < 8; i++) silence.step(now += 10);
    assert.is(silence.isOver, true);
  }));
});

test.run();
