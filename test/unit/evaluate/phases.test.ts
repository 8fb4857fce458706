import { describe, expect, test } from 'vitest';
import { nearestRank } from '../../../src/evaluate/percentile.ts';
import { phaseNamed } from '../../../src/evaluate/phases.ts';
import { undoRecord } from '../../../src/evaluate/records.ts';
import { cutFile, parseNdjson } from '../../../src/evaluate/run-folder.ts';
import { planScenarioSql } from '../../../src/evaluate/samples.ts';
import { axisOf } from '../../../src/evaluate/timeline.ts';
import { aRun, at, history, START, withFault } from '../../builders/a-run.ts';

describe('the journal', () => {
  test('gives phases end to end, the last until the end of the run', () => {
    const { phases, startedAt, endedAt } = history();
    expect([startedAt, endedAt]).toEqual([START, at(200)]);
    expect(phases.map(({ startAt, endAt }) => [startAt, endAt])).toEqual([
      [at(0), at(10)],
      [at(10), at(70)],
      [at(70), at(130)],
      [at(130), at(190)],
      [at(190), at(200)],
    ]);
    expect(phaseNamed(phases, 'recovery')?.startAt).toBe(at(130));
  });
  test('without an end is that of a killed run: it lasted until the last that was seen', () => {
    const run = aRun();
    const killed = history({ ...run, runner: null, journal: run.journal.slice(0, 4) });
    expect(killed).toMatchObject({ interrupted: true, endedAt: at(189.5) + 20 });
  });
  test('a fault injected twice is one window, unproven when one proof failed', () => {
    const run = withFault(aRun(), 'crash', 80);
    const again = [
      { at: at(90), type: 'fault-injected', fault: 'crash', kind: 'postgres/failover', detail: 'again' },
      { at: at(95), type: 'fault-proven', fault: 'crash', proven: false, evidence: ['nothing moved'] },
    ] as const;
    expect(history({ ...run, journal: [...run.journal, ...again] }).faults[0]).toMatchObject({
      injectedAt: at(80),
      proven: false,
      evidence: ['timeline 1 to 2', 'nothing moved'],
    });
  });
  test('a fault that failed says why', () => {
    const run = withFault(aRun(), 'crash', 80, { injected: false });
    const failed = { at: at(80), type: 'fault-failed', fault: 'crash', code: 'ERR_PATRONI', detail: 'no primary' } as const;
    expect(history({ ...run, journal: [...run.journal, failed] }).faults[0]).toMatchObject({
      injectedAt: null,
      proven: false,
      evidence: ['ERR_PATRONI: no primary'],
    });
  });
});

describe('parseNdjson', () => {
  const header = '{"schemaVersion":1,"file":"undo","runId":"r"}';
  const open = '{"at":1,"id":"u","state":"open","fault":"f","kind":"k","action":"a","data":{}}';
  const parse = (text: string) => {
    const cuts: string[] = [];
    const records = parseNdjson('undo.ndjson', text, {
      file: 'undo',
      runId: 'r',
      schema: undoRecord,
      onCut: (cut) => cuts.push(cut.text),
    });
    return { records, cuts };
  };
  test('a whole last line without a newline is kept', () =>
    expect(parse(`${header}\n${open}`)).toMatchObject({ records: [{ id: 'u' }], cuts: [] }));
  test('a cut last line is left out and told', () => {
    expect(parse(`${header}\n${open}\n{"at":2,"i`)).toEqual({
      records: [JSON.parse(open)],
      cuts: [cutFile('undo.ndjson', 3).text],
    });
  });
  test('a cut line with a newline is damage', () =>
    expect(() => parse(`${header}\n{"at":2,"i\n${open}\n`)).toThrow('undo.ndjson:2 is no JSON'));
  test('an empty file is damage', () => expect(() => parse('')).toThrow('undo.ndjson:1 is empty'));
  test('a file of another kind is damage', () =>
    expect(() => parse(`${header.replace('undo', 'ledger')}\n`)).toThrow('is not the header of a undo file'));
});

test('nearestRank is exact where floating point is not', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
  expect(nearestRank(hundred, 7)).toBe(7);
  expect(nearestRank(hundred, 95)).toBe(95);
  expect(nearestRank(hundred, 99.9)).toBe(100);
  expect(nearestRank([5], 50)).toBe(5);
  expect(nearestRank([], 50)).toBeNull();
});

test('the axis has at most 600 points over any run', () => {
  for (const seconds of [1, 599, 600, 601, 3_600, 86_400, 31_536_000]) {
    const { points, stepMs } = axisOf(0, seconds * 1000);
    expect(points).toBeLessThanOrEqual(600);
    expect(points * stepMs).toBeGreaterThanOrEqual(seconds * 1000);
  }
});

test('names of k6 scenarios are matched to the longest load, and quoted', () => {
  expect(planScenarioSql(['a', "a-b'c"])).toBe(
    "CASE WHEN scenario IN ('a', 'a-b''c') THEN scenario " +
      "WHEN starts_with(scenario, 'a-b''c') AND substr(scenario, 6, 1) IN ('-', '_', '.', ':', '/') THEN 'a-b''c' " +
      "WHEN starts_with(scenario, 'a') AND substr(scenario, 2, 1) IN ('-', '_', '.', ':', '/') THEN 'a' ELSE scenario END",
  );
});
