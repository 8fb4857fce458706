/** What journeys know of Odoo; `session.ts` is the one for k6, tests have their own. */
import type { Outcome, WriteEffect } from '../../src/model/run-records.ts';

export interface Call {
  /** Name of this step of the journey, a tag. */
  readonly step: string;
  readonly model: string;
  readonly method: string;
  /** XML-RPC value of the list of positional arguments, or the parts of it in order. */
  readonly args: string | readonly string[];
  /** XML-RPC struct of the keyword arguments. */
  readonly kwargs?: string;
  /** Present when the ledger must follow what the call writes. */
  readonly effect?: WriteEffect;
  /** Business keys of what is written, separated by one space. */
  readonly keys?: string;
  /**
   * For a look-up that tells a client the fate of its earlier write: effect and keys count only when this holds for the answer's XML.
   * A client that has found its order takes it for placed, so from then on it may not get lost.
   */
  readonly shows?: (body: string) => boolean;
  /** When shorter than the session's. */
  readonly timeoutMs?: number;
}

export interface Answer {
  readonly outcome: Outcome;
  /** Class of the fault, '' when ok. */
  readonly fault: string;
  /** The answer's XML, '' when there was none. */
  readonly body: string;
}

/** The calls of one iteration. Past its budget a call is not sent any more and answers `fail`, `out-of-time`. */
export interface OdooSession {
  /** Of a call that names none. */
  timeoutMs(): number;
  leftMs(): number;
  pause(ms: number): void;
  call(call: Call): Answer;
  /**
   * For the methods of stock Odoo that return None and so answer a fault after their commit (odoo-behaviour.md section 2):
   * `readBack` reads whether it happened, and then the call counts as ok.
   */
  callReturningNone(call: Call, readBack: () => boolean): Answer;
}

/** The worse of two: unknown before fail before ok, because a journey with an unknown write may have happened. */
export function worseOf(a: Outcome, b: Outcome): Outcome {
  if (a === 'unknown' || b === 'unknown') return 'unknown';
  return a === 'fail' || b === 'fail' ? 'fail' : 'ok';
}
