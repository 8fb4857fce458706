/**
 * What the keys of a run have in common, for Odoo's `like` (substring). Characters that the scenarios replace in their keys are
 * `_` there, which in a pattern stands for any one character, so it fits keys that keep them as well.
 */
export function runPattern(runId: string): string {
  return runId.replace(/[^A-Za-z0-9.-]/g, '_');
}
