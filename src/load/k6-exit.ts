/**
 * What k6's exit code means for a run (docs/reference/platform-behaviour.md 1.3). Our scripts have no thresholds: 99 and 110
 * cannot come from them.
 */
import { type ErrorCode, HarnessError } from '../errors.ts';

interface Meaning {
  readonly detail: string;
  /** Absent: nothing is wrong with the harness. */
  readonly code?: ErrorCode;
  readonly hint?: string;
}

const SCRIPT_HINT = 'the first error of k6.log in the runner folder says which file and line';

const MEANINGS: Readonly<Record<number, Meaning>> = {
  0: { detail: 'complete' },
  97: { detail: 'a cloud run failed', code: 'ERR_K6_FAILED' },
  98: { detail: 'a cloud run could not be followed', code: 'ERR_K6_FAILED' },
  99: { detail: 'thresholds failed' },
  100: {
    detail: 'setup (the login) took too long',
    code: 'ERR_K6_FAILED',
    hint: 'check that the target answers: one login costs it about a second',
  },
  101: { detail: 'teardown took too long; POS sessions may still be open' },
  102: { detail: 'k6 gave up after a timeout', code: 'ERR_K6_FAILED' },
  103: { detail: 'stopped through the REST API' },
  104: { detail: 'k6 refused its configuration', code: 'ERR_K6_FAILED', hint: SCRIPT_HINT },
  105: { detail: 'stopped by a signal' },
  106: { detail: 'k6 could not start its REST API', code: 'ERR_K6_FAILED' },
  107: { detail: 'a script exception before or after the load', code: 'ERR_K6_FAILED', hint: SCRIPT_HINT },
  108: { detail: 'the test was aborted', code: 'ERR_K6_FAILED', hint: SCRIPT_HINT },
  109: { detail: 'k6 crashed', code: 'ERR_K6_FAILED', hint: 'k6.log in the runner folder has the stack' },
  110: { detail: 'the test was marked as failed', code: 'ERR_K6_FAILED' },
};

export interface ExitFacts {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** The program could not be started at all. */
  readonly error: string | null;
  /** We ended it on purpose. */
  readonly stopped: boolean;
  /** First error that k6 logged; a full disk beats it. */
  readonly firstError: string | null;
}

/** One sentence, and the error when the load cannot be judged. */
export function explainExit(facts: ExitFacts): { readonly detail: string; readonly problem: HarnessError | null } {
  if (facts.error !== null) return failed('ERR_K6_FAILED', `k6 could not be started: ${facts.error}`);
  if (isDiskFull(facts.firstError)) {
    return failed(
      'ERR_DISK',
      'the disk is full: k6 could not write its samples',
      'free space where the run folder is, then run again',
    );
  }
  if (facts.stopped) return { detail: 'stopped by the harness', problem: null };
  if (facts.signal !== null)
    return failed('ERR_K6_FAILED', `k6 was ended by ${facts.signal}`, 'out of memory is the usual reason');
  const code = facts.exitCode ?? -1;
  const meaning = MEANINGS[code] ?? { detail: `k6 ended with the unknown exit code ${code}`, code: 'ERR_K6_FAILED' as const };
  if (meaning.code === undefined) return { detail: meaning.detail, problem: null };
  const why = facts.firstError === null ? '' : `: ${facts.firstError}`;
  return failed(meaning.code, `${meaning.detail} (k6 exit code ${code})${why}`, meaning.hint);
}

export function isDiskFull(text: string | null): boolean {
  return text !== null && /no space left on device|ENOSPC|disk quota exceeded/i.test(text);
}

function failed(code: ErrorCode, message: string, hint?: string) {
  return { detail: message, problem: new HarnessError(code, message, hint === undefined ? {} : { hint }) };
}
