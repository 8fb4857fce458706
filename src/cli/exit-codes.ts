/** Every exit code of `peakproof`, in one place; docs/reference/exit-codes.md is the table for users. */
import { type ErrorCode, HarnessError } from '../errors.ts';
import type { Verdict } from '../model/evaluation.ts';

export const EXIT = { pass: 0, fail: 1, inconclusive: 2, usage: 3, undoIncomplete: 4, harness: 5, interrupted: 130 } as const;

const USAGE_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_USAGE',
  'ERR_PLAN_INVALID',
  'ERR_GUARD',
  'ERR_SELECTOR_EMPTY',
  'ERR_BLAST_RADIUS',
  'ERR_FAULT_UNSUPPORTED',
  'ERR_SECRET_MISSING',
]);

/** What could not be undone beats the interruption, which beats the verdict. */
export function exitCodeForRun(result: {
  readonly verdict: Verdict;
  readonly undoComplete: boolean;
  readonly interrupted: boolean;
}): number {
  if (!result.undoComplete) return EXIT.undoIncomplete;
  if (result.interrupted) return EXIT.interrupted;
  return EXIT[result.verdict];
}

export function exitCodeForError(error: unknown): number {
  if (!(error instanceof HarnessError)) return EXIT.harness;
  if (error.code === 'ERR_UNDO_INCOMPLETE') return EXIT.undoIncomplete;
  if (error.code === 'ERR_INTERRUPTED') return EXIT.interrupted;
  return USAGE_CODES.has(error.code) ? EXIT.usage : EXIT.harness;
}
