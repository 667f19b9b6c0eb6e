/* errors.test.ts: every kind of ending has the exit status of the commands' contract. */
import * as assert from 'uvu/assert';
import {
  BrokenInvariant, Divergence, Interrupted, LostRole, NotReplicable, OperatingError, UserError,
  asHotswapError, endings, errnoOf, exitCodeOf, invariant,
} from '../../src/errors.js';
import { suite } from '../support/suite.js';

const test = suite('errors');

const divergence = {
  seq: '77', call: 'write', pid: 10, tid: 11, expected: '4 bytes', got: '5 bytes',
};

test('each class ends a command with the status that the contract gives it', () => {
  assert.is(exitCodeOf(new OperatingError('x')), 1);
  assert.is(exitCodeOf(new UserError('x')), 2);
  assert.is(exitCodeOf(new Divergence(divergence)), 3);
  assert.is(exitCodeOf(new NotReplicable('x')), 4);
  assert.is(exitCodeOf(new LostRole('x')), 5);
  assert.is(exitCodeOf(new Interrupted('SIGINT')), 130);
  assert.is(exitCodeOf(new BrokenInvariant('x')), 134);
});

test('exit statuses are distinct and none of them is success', () => {
  const all = Object.values(endings).map(({ exit }) => exit as number);
  assert.is(new Set(all).size, all.length);
  assert.not.ok(all.includes(0));
});

test('an error tells its class, code, reason and evidence as JSON', () => {
  const error = new OperatingError('no room', { reason: 'ENOSPC', evidence: { left: 0 } });
  assert.is(error.name, 'OperatingError');
  assert.equal(JSON.parse(JSON.stringify(error)), {
    code: 'HS_OPERATING', reason: 'ENOSPC', message: 'no room', evidence: { left: 0 },
  });
});

test('a divergence names record, call, thread, expected and got', () => {
  const { message } = new Divergence(divergence);
  assert.is(
    message,
    'divergence at record 77: write in process 10, thread 11: expected 4 bytes, got 5 bytes');
});

test('an error of the system is an operating fault with its errno', () => {
  const system = Object.assign(new Error('open: no such file'), { code: 'ENOENT' });
  assert.is(errnoOf(system), 'ENOENT');
  const error = asHotswapError(system);
  assert.instance(error, OperatingError);
  assert.is(error.reason, 'ENOENT');
  assert.is(error.cause, system);
});

test('anything else that is thrown is a defect', () => {
  assert.instance(asHotswapError(new TypeError('x is undefined')), BrokenInvariant);
  assert.instance(asHotswapError('text'), BrokenInvariant);
  const ours = new UserError('x');
  assert.is(asHotswapError(ours), ours);
});

test('Node\'s own error codes are no errno names', () => {
  assert.is(errnoOf(Object.assign(new Error('x'), { code: 'ERR_INVALID_ARG_TYPE' })), undefined);
});

test('an invariant throws only when it does not hold', () => {
  invariant(true, 'fine');
  assert.throws(() => invariant(false, 'ring is full'), /ring is full/);
});

test.run();
