/* tidy.test.ts: the house style is checked, and this tree keeps to it. */
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { checkStyle, checkTree, formatFault } from '../../tools/tidy.js';
import { suite } from '../support/suite.js';

const test = suite('tidy');
const opening = '/* x.ts: for a test. */\n';
const faultsOf = (text: string, file = 'src/x.ts') => checkStyle(file, text).map((f) => f.what);

test('a file in order has no faults', () => {
  assert.equal(faultsOf(`${opening}export {};\n`), []);
});

test('a line of 101 columns is a fault, one of 100 is not', () => {
  assert.equal(faultsOf(`${opening}//${'x'.repeat(98)}\n`), []);
  assert.equal(faultsOf(`${opening}//${'x'.repeat(99)}\n`), ['longer than 100 columns']);
});

test('columns are characters, not bytes', () => {
  assert.equal(faultsOf(`${opening}//${'→'.repeat(98)}\n`), []);
});

test('a file of 401 lines is a fault, one of 400 is not', () => {
  assert.equal(faultsOf(opening + '\n'.repeat(399)), []);
  assert.equal(faultsOf(opening + '\n'.repeat(400)), ['longer than 400 lines']);
});

test('a source file opens with a comment, behind a first line for the kernel if any', () => {
  assert.equal(faultsOf('export {};\n'), ['does not open with what it is for']);
  assert.equal(faultsOf('#!/usr/bin/env node\n// x\n', 'bin/x.js'), []);
  assert.equal(faultsOf('all:\n', 'shim/Makefile'), []);
});

test('a merge that was not finished is a fault anywhere', () => {
  const marks = ['<'.repeat(7), '>'.repeat(7)];
  for (const mark of marks) {
    assert.equal(faultsOf(`${mark} HEAD\n`, 'README.md'), ['a merge that was not finished']);
  }
});

test('work left undone and paths of one machine are faults anywhere', () => {
  const undone = 'TO' + 'DO';
  assert.equal(faultsOf(`${undone}: more\n`, 'README.md'), ['work left undone']);
  assert.equal(faultsOf(`see /wo${'rk'}/main\n`, 'README.md'), ['path of one machine']);
});

test('generated files have no size', () => {
  assert.equal(faultsOf('x'.repeat(200) + '\n'.repeat(500), 'src/calls/table.gen.ts'), []);
});

test('this tree has no faults', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  assert.equal(checkTree(root).map(formatFault), []);
});

test.run();
