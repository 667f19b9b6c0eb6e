/* bpf/observe-layout.ts against bpf/observe.h: the compiler is asked for every offset, size and
 * value. The rule: a number that is written by hand is in the list of claims. */
import * as assert from 'uvu/assert';
import * as layout from '../../bpf/observe-layout.js';
import { suite } from '../support/suite.js';
import { printedByC } from './support.js';

const test = suite('layout of the observer\'s maps');

/** Expressions of C, each with what observe-layout.ts says it is. */
function claims(): [string, number][] {
  const of = (struct: string, offsets: Record<string, number>): [string, number][] =>
    Object.entries(offsets).map(([field, at]) => [`offsetof(struct ${struct}, ${field})`, at]);
  const words = (struct: string, indexes: Record<string, number>): [string, number][] =>
    Object.entries(indexes).map(([field, at]) =>
      [`offsetof(struct ${struct}, ${field}) / 8`, at]);
  const values = (prefix: string, named: Record<string, number>): [string, number][] =>
    Object.entries(named).map(([name, value]) => [`${prefix}${name.toUpperCase()}`, value]);
  return [
    ...of('hs_observe_rule', layout.ruleOffsets),
    ...of('hs_observe_settings', layout.settingsOffsets),
    ...of('hs_observe_state', layout.stateOffsets),
    ...of('hs_observe_tally', layout.tallyOffsets),
    ...of('hs_observe_slot', layout.slotOffsets),
    ...of('hs_observe_text', layout.textOffsets),
    ...of('hs_observe_fact', layout.factOffsets),
    ...of('hs_observe_event', layout.eventOffsets),
    ...words('hs_observe_count', layout.countWords),
    ...words('hs_observe_time', layout.timeWords),
    ['sizeof(struct hs_observe_rule)', layout.ruleBytes],
    ['sizeof(struct hs_observe_settings)', layout.settingsBytes],
    ['sizeof(struct hs_observe_count)', layout.countBytes],
    ['sizeof(struct hs_observe_time)', layout.timeBytes],
    ['sizeof(struct hs_observe_tally)', layout.tallyBytes],
    ['sizeof(struct hs_observe_slot)', layout.slotBytes],
    ['sizeof(struct hs_observe_text)', layout.textBytes],
    ['sizeof(struct hs_observe_fact)', layout.factBytes],
    ['sizeof(struct hs_observe_event)', layout.eventBytes],
    ['HS_OBSERVE_ROWS', layout.observeRows],
    ['HS_OBSERVE_NATIVE', layout.observeNative],
    ['HS_OBSERVE_OTHER', layout.observeOther],
    ['HS_OBSERVE_BUCKETS', layout.observeBuckets],
    ['HS_OBSERVE_RULES', layout.observeRules],
    ['HS_OBSERVE_PATH', layout.observePath],
    ['HS_OBSERVE_TEXT', layout.observeText],
    ['HS_OBSERVE_SHORT', layout.observeShort],
    ...values('HS_OBSERVE_', layout.observeKind),
    ...values('HS_OBSERVE_', layout.tallyOf),
    ...values('HS_OBSERVE_LOST_', layout.lossRow),
    ...values('HS_OBSERVE_', layout.happened),
  ];
}

test('every offset, size and value is the compiler\'s', () => {
  const said = claims().map(([c, value]) => `${c} = ${value}`);
  const told = printedByC('bpf/observe.h', claims().map(([c]) => c));
  assert.equal(claims().map(([c], i) => `${c} = ${told[i]}`), said);
});

test.run();
