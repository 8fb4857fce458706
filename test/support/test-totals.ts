/** Sums up the JSON reports of vitest's runs, in favour of red: what is not known to have passed has not. */

export interface GroupResult {
  readonly project: string;
  readonly exitCode: number | null;
  /** vitest's JSON report, unread; null when there is none. */
  readonly report: unknown;
}

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function totalsOf(groups: readonly GroupResult[]): Totals {
  const sum = groups
    .map(totalsOfGroup)
    .reduce(
      (all, one) => ({ passed: all.passed + one.passed, failed: all.failed + one.failed, skipped: all.skipped + one.skipped }),
      { passed: 0, failed: 0, skipped: 0 },
    );
  return sum.passed + sum.failed === 0 ? { ...sum, failed: 1 } : sum;
}

function totalsOfGroup({ exitCode, report }: GroupResult): Totals {
  const count = (name: string) => {
    const value = typeof report === 'object' && report !== null ? (report as Readonly<Record<string, unknown>>)[name] : undefined;
    return typeof value === 'number' ? value : 0;
  };
  const failed = count('numFailedTests');
  return {
    passed: count('numPassedTests'),
    // A file that does not load, or an error outside a test, fails the run without failing a test.
    failed: exitCode === 0 || failed > 0 ? failed : 1,
    skipped: count('numPendingTests') + count('numTodoTests'),
  };
}

export function lastLine({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
