/** Makes every string of an evaluation fit to be shown: done once, at the entrance, so that no renderer can forget it. */
import type { Evaluation } from '../src/model/evaluation.ts';

// Control characters other than tab and newline, and the marks that reverse the direction of text around them
// (CVE-2021-42574): legal in JSON, illegal in XML 1.0 or misleading on a page.
const UNPRINTABLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this expression is for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/g;

/** `text` with unprintable and direction-changing characters, and halves of surrogate pairs, shown as U+FFFD. */
export function printable(text: string): string {
  return text.toWellFormed().replaceAll('\r\n', '\n').replace(UNPRINTABLE, '\ufffd');
}

/** The same evaluation with each of its strings {@link printable}. */
export function sanitiseEvaluation(evaluation: Evaluation): Evaluation {
  return sanitise(evaluation) as Evaluation;
}

function sanitise(value: unknown): unknown {
  if (typeof value === 'string') return printable(value);
  if (Array.isArray(value)) return value.map(sanitise);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [printable(key), sanitise(inner)]));
  }
  return value;
}
