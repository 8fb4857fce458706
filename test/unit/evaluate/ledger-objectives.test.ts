import { describe, expect, test } from 'vitest';
import { judgeDataLoss, lossWindowMs } from '../../../src/evaluate/data-loss.ts';
import { judgeInvariant } from '../../../src/evaluate/invariant.ts';
import { EMPTY_LEDGER, type InvariantFigures, type LedgerFigures, type ServiceLedger } from '../../../src/evaluate/ledger.ts';
import type { DataLossObjectiveSpec, InvariantObjectiveSpec } from '../../../src/model/plan.ts';
import type { JournalEvent } from '../../../src/model/run-records.ts';
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

describe('a split brain', () => {
  const split = (changes: object = {}): JournalEvent => ({
    at: at(90),
    type: 'split-brain',
    fault: 'crash',
    orphan: 'pg-0',
    primary: 'pg-1',
    fromAt: at(84),
    untilAt: at(86),
    censored: false,
    acknowledged: 9,
    lostKeys: ['run-1/crash/0001', 'run-1/crash/0009'],
    ...changes,
  });
  const withSplit = (event: JournalEvent) => {
    const crashed = withFault(aRun(), 'crash', 80);
    return history({ ...crashed, journal: [...crashed.journal, event] });
  };
  const judgeSplit = (event: JournalEvent, limits: Partial<DataLossObjectiveSpec> = {}) =>
    judgeDataLoss({ ...objective, ...limits }, { ...EMPTY_LEDGER, services: [service()] }, withSplit(event));

  test('fails every objective of the database, although no write of the load was lost', () => {
    const result = judgeSplit(split());
    expect(result).toMatchObject({ verdict: 'fail', measured: 2_000, target: 0, unit: 'ms', censored: false });
    expect(result.reason).toBe('pg-0 was a second primary for 2 s, allowed 0 ms');
    expect(result.evidence).toContainEqual({
      text: 'split brain: pg-0 acknowledged 9 writes of the harness while pg-1 was the primary; 2 of them are lost (run-1/crash/0001 to run-1/crash/0009)',
      file: 'journal.ndjson',
    });
    expect(withSplit(split()).faults[0]?.splitBrain).toMatchObject({ orphan: 'pg-0', acknowledged: 9 });
  });
  test('of a single write fails too, though it took no time', () => {
    expect(judgeSplit(split({ untilAt: at(84) })).verdict).toBe('fail');
  });
  test('within the time that the plan allows passes, exactly on it as well', () => {
    expect(judgeSplit(split(), { maxSplitBrainMs: 2_000 }).verdict).toBe('pass');
    expect(judgeSplit(split(), { maxSplitBrainMs: 1_999 }).verdict).toBe('fail');
  });
  test('that had not ended when the watch did cannot pass', () => {
    expect(judgeSplit(split({ censored: true }), { maxSplitBrainMs: 5_000 })).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringContaining('it took writes still when the watch ended'),
    });
  });
  test('of PostgreSQL says nothing about sessions in Redis', () => {
    const sessions = { ...EMPTY_LEDGER, services: [service({ service: 'session-store' })] };
    expect(judgeDataLoss({ ...objective, service: 'session-store' }, sessions, withSplit(split())).verdict).toBe('pass');
  });
  test('without one, nothing of it is said', () => {
    expect(judge().details.map(({ name }) => name)).not.toContain('two primaries at once');
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
