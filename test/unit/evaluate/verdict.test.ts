import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { marginOf, meets, mergeVerdicts, type Part, resultOf, worse } from '../../../src/evaluate/verdict.ts';
import { formatMs, formatRatio } from '../../../src/evaluate/wording.ts';

const verdict = fc.constantFrom('pass', 'fail', 'inconclusive');

describe('merging verdicts', () => {
  test('is associative and commutative', () => {
    fc.assert(
      fc.property(verdict, verdict, verdict, (a, b, c) => {
        expect(worse(worse(a, b), c)).toBe(worse(a, worse(b, c)));
        expect(worse(a, b)).toBe(worse(b, a));
      }),
    );
  });

  test('fail beats inconclusive beats pass', () => {
    expect(mergeVerdicts(['pass', 'inconclusive', 'fail'])).toBe('fail');
    expect(mergeVerdicts(['pass', 'inconclusive', 'pass'])).toBe('inconclusive');
    expect(mergeVerdicts(['pass', 'pass'])).toBe('pass');
  });

  test('nothing judged is inconclusive', () => expect(mergeVerdicts([])).toBe('inconclusive'));
});

describe('resultOf', () => {
  const part = (name: string, of: Part['verdict']): Part => ({
    name,
    measured: 5,
    target: 10,
    unit: 'ms',
    direction: 'at-most',
    verdict: of,
    reason: name,
  });
  const objective = { id: 'x', kind: 'invariant', invariant: 'debit-equals-credit', maxViolations: 0 } as const;

  test('the part that decides is the headline', () => {
    const result = resultOf(objective, [part('first', 'pass'), part('second', 'fail')], { service: 'platform', evidence: [] });
    expect(result).toMatchObject({ verdict: 'fail', reason: 'second', margin: 0.5 });
  });

  test('of parts that all pass the first is the headline', () => {
    const result = resultOf(objective, [part('first', 'pass'), part('second', 'pass')], { service: 'platform', evidence: [] });
    expect(result).toMatchObject({ verdict: 'pass', reason: 'first; second' });
  });
});

describe('margins and limits', () => {
  test('exactly on the limit passes, with margin 0', () => {
    expect(meets(10, 10, 'at-most') && meets(10, 10, 'at-least')).toBe(true);
    expect(marginOf(10, 10, 'at-most')).toBe(0);
  });
  test('a target of 0 has no margin', () => expect(marginOf(0, 0, 'at-most')).toBeNull());
  test('is positive when met, in both directions', () => {
    expect(marginOf(50, 100, 'at-most')).toBe(0.5);
    expect(marginOf(150, 100, 'at-least')).toBe(0.5);
  });
});

describe('wording', () => {
  test('a miss never reads as met', () => {
    expect(formatRatio(0.99996)).toBe('99.996 %');
    expect(formatRatio(0.00004)).toBe('0.004 %');
    expect(formatRatio(1)).toBe('100 %');
    expect(formatRatio(0.95)).toBe('95 %');
  });
  test('says times in the unit that fits', () => {
    expect([formatMs(0), formatMs(0.5), formatMs(12.6), formatMs(1_500), formatMs(12_000)]).toEqual([
      '0 ms',
      '0.5 ms',
      '13 ms',
      '1.5 s',
      '12 s',
    ]);
  });
});
