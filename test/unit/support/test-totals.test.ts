import { describe, expect, test } from 'vitest';
import { type GroupResult, lastLine, totalsOf } from '../../support/test-totals.ts';

const group = (changes: Partial<GroupResult> & { passed?: number; failed?: number; skipped?: number }): GroupResult => ({
  project: 'unit',
  exitCode: changes.exitCode === undefined ? 0 : changes.exitCode,
  report:
    changes.report === undefined
      ? {
          numPassedTests: changes.passed ?? 0,
          numFailedTests: changes.failed ?? 0,
          numPendingTests: changes.skipped ?? 0,
          numTodoTests: 0,
        }
      : changes.report,
});

describe('totalsOf', () => {
  test('adds the groups up', () => {
    expect(totalsOf([group({ passed: 3, skipped: 1 }), group({ passed: 2, failed: 1, exitCode: 1 })])).toEqual({
      passed: 5,
      failed: 1,
      skipped: 1,
    });
  });

  test('an error outside of a test is a failure', () => {
    expect(totalsOf([group({ passed: 3, exitCode: 1 })])).toMatchObject({ passed: 3, failed: 1 });
  });

  test('a group that died before its report is a failure', () => {
    expect(totalsOf([group({ passed: 3 }), group({ report: null, exitCode: null })])).toMatchObject({ passed: 3, failed: 1 });
  });

  test('no test at all is a failure', () => {
    expect(totalsOf([])).toMatchObject({ passed: 0, failed: 1 });
    expect(totalsOf([group({ skipped: 4 })])).toMatchObject({ passed: 0, failed: 1 });
  });
});

test('the last line is exactly what machines look for', () => {
  expect(lastLine({ passed: 12, failed: 0, skipped: 0 })).toBe('12 passed, 0 failed');
  expect(lastLine({ passed: 12, failed: 1, skipped: 2 })).toBe('12 passed, 1 failed, 2 skipped');
});
