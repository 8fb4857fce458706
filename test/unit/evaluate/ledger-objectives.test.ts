import { describe, expect, test } from 'vitest';
import { judgeDataLoss, lossWindowMs } from '../../../src/evaluate/data-loss.ts';
import { judgeInvariant } from '../../../src/evaluate/invariant.ts';
import { EMPTY_LEDGER, type InvariantFigures, type LedgerFigures, type ServiceLedger } from '../../../src/evaluate/ledger.ts';
import type { DataLossObjectiveSpec, InvariantObjectiveSpec } from '../../../src/model/plan.ts';
import { aRun, at, history, withFault } from '../../builders/a-run.ts';

const objective: DataLossObjectiveSpec = {
  id: 'rpo',
  kind: 'data-loss',
  service: 'pos',
  maxLostWrites: 2,
  maxDuplicates: 1,
  maxLossWindowMs: 1_000,
  minWrites: 100,
};
const run = history(withFault(aRun(), 'crash', 80));

const service = (changes: Partial<ServiceLedger> = {}): ServiceLedger => ({
  service: 'pos',
  acknowledged: 100,
  unknown: 3,
  unknownThatHappened: 1,
  lostKeys: [],
  duplicatedKeys: [],
  readBacks: 2,
  lost: 0,
  duplicated: 0,
  unread: 0,
  lostAnsweredAt: [],
  ...changes,
});
const judge = (changes: Partial<ServiceLedger> = {}, rest: Partial<LedgerFigures> = {}) =>
  judgeDataLoss(objective, { ...EMPTY_LEDGER, services: [service(changes)], ...rest }, run);

describe('judgeDataLoss', () => {
  test('passes exactly on every limit', () => {
    expect(judge({ lost: 2, duplicated: 1, lostAnsweredAt: [at(79), at(79.5)] })).toMatchObject({
      verdict: 'pass',
      measured: 2,
      target: 2,
      margin: 0,
      unit: 'writes',
    });
  });
  test('fails above each', () => {
    expect(judge({ lost: 3 })).toMatchObject({ verdict: 'fail', measured: 3 });
    expect(judge({ duplicated: 2 })).toMatchObject({
      verdict: 'fail',
      measured: 2,
      target: 1,
      reason: expect.stringContaining('more than once'),
    });
    expect(judge({ lost: 1, lostAnsweredAt: [at(78.9)] })).toMatchObject({ verdict: 'fail', measured: 1_100, unit: 'ms' });
  });
  test('is inconclusive without writes, and below the least number of them', () => {
    expect(judgeDataLoss(objective, EMPTY_LEDGER, run)).toMatchObject({ verdict: 'inconclusive', measured: null });
    expect(judge({ acknowledged: 99 }).verdict).toBe('inconclusive');
    expect(
      judgeDataLoss({ ...objective, minWrites: 0 }, { ...EMPTY_LEDGER, services: [service({ acknowledged: 0 })] }, run).verdict,
    ).toBe('inconclusive');
  });
  test('is inconclusive when a write was not looked up twice', () => expect(judge({ unread: 1 }).verdict).toBe('inconclusive'));
  test('what was lost stays lost, however little was looked at', () => {
    expect(judge({ lost: 3, unread: 40, acknowledged: 50 }, { gaps: [{ what: 'read-back 2', detail: 'down' }] }).verdict).toBe(
      'fail',
    );
  });
  test.each([
    ['read-back 2', 'inconclusive'],
    ['read-back 1 pos.order', 'inconclusive'],
    ['read-back of pos', 'inconclusive'],
    ['read-back 1 sale.order', 'pass'],
    ['invariant pos-sessions-match-payments', 'pass'],
  ])('a gap in "%s": %s', (what, verdict) => {
    expect(judge({}, { gaps: [{ what, detail: 'timed out' }] }).verdict).toBe(verdict);
  });
});

describe('lossWindowMs', () => {
  test('reaches from the nearest fault back to the oldest loss', () => {
    expect(lossWindowMs([900, 950, 4_400], [1_000, 5_000])).toBe(600);
  });
  test('is 0 for losses after the fault, null without a loss or a fault', () => {
    expect(lossWindowMs([1_200], [1_000])).toBe(0);
    expect(lossWindowMs([], [1_000])).toBeNull();
    expect(lossWindowMs([1_200], [])).toBeNull();
  });
});

describe('judgeInvariant', () => {
  const rule: InvariantObjectiveSpec = { id: 'inv', kind: 'invariant', invariant: 'one-invoice-per-order', maxViolations: 1 };
  const ledger = (changes: Partial<InvariantFigures>, gaps: LedgerFigures['gaps'] = []): LedgerFigures => ({
    ...EMPTY_LEDGER,
    gaps,
    invariants: [{ invariant: 'one-invoice-per-order', checked: 10, violationCount: 0, violations: [], ...changes }],
  });
  test('passes exactly on the limit, fails above', () => {
    expect(judgeInvariant(rule, ledger({ violationCount: 1, violations: ['A'] }))).toMatchObject({
      verdict: 'pass',
      measured: 1,
      service: 'platform',
    });
    expect(judgeInvariant(rule, ledger({ violationCount: 2, violations: ['A', 'B'] })).verdict).toBe('fail');
  });
  test('nothing checked, not checked, or a gap is inconclusive', () => {
    expect(judgeInvariant(rule, ledger({ checked: 0 }))).toMatchObject({ verdict: 'inconclusive', measured: null });
    expect(judgeInvariant(rule, EMPTY_LEDGER).verdict).toBe('inconclusive');
    expect(judgeInvariant(rule, ledger({}, [{ what: 'one-invoice-per-order', detail: 'timed out' }])).verdict).toBe(
      'inconclusive',
    );
    expect(judgeInvariant(rule, ledger({}, [{ what: 'read-back 2', detail: 'timed out' }])).verdict).toBe('pass');
  });
  test('violations that were seen stay a failure in spite of a gap', () => {
    expect(
      judgeInvariant(rule, ledger({ violationCount: 2 }, [{ what: 'one-invoice-per-order', detail: 'timed out' }])).verdict,
    ).toBe('fail');
  });
});
