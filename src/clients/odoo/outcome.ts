/**
 * What a fault or a lost connection says about the write behind it. The rules rest on facts/odoo-protocol.md: section 2 (HTTP
 * 200 says nothing; None faults come after the commit; a client that hung up has its work committed all the same) and the
 * fault table of section 4 (the code alone does not classify, the last line of the text does).
 */
export type FailedOutcome = 'fail' | 'unknown';

/** Faults whose transaction may have been committed. Everything else in the fault table was rolled back. */
const MAYBE_COMMITTED: readonly RegExp[] = [
  // Section 2: raised while marshalling the answer, after the commit.
  /cannot marshal None/,
  // PostgreSQL went away while Odoo waited for it, and that may have been during COMMIT (libpq's words, last of three lines).
  /server closed the connection unexpectedly|before or while processing the request/,
  /SSL connection has been closed unexpectedly|SSL SYSCALL error|could not receive data from server/,
  /terminating connection due to|connection already closed|server conn crashed/,
];

/** Classifies a fault by the last line of its text. */
export function classifyFault(text: string): FailedOutcome {
  const line = lastLine(text);
  return MAYBE_COMMITTED.some((pattern) => pattern.test(line)) ? 'unknown' : 'fail';
}

/** The last line with something in it: of a Python traceback, the exception itself. */
export function lastLine(text: string): string {
  const lines = text.trimEnd().split('\n');
  return (lines[lines.length - 1] ?? '').trim();
}

/**
 * Classifies an HTTP answer that is not 200. Odoo itself answers 200 to everything, so these come from what stands before it:
 * 4xx, redirects and 503 (no worker to give it to) mean that no worker took the call; any other 5xx may follow a worker that
 * was lost in the middle.
 */
export function classifyStatus(status: number): FailedOutcome {
  return status >= 500 && status !== 503 ? 'unknown' : 'fail';
}

/** The model that the target does not have, when the fault says so (fault table: unknown model). */
export function missingModelIn(text: string): string | null {
  return /^Object ([\w.]+) doesn't exist/m.exec(text)?.[1] ?? null;
}

/** The database that the server does not have, when the fault says so. */
export function isMissingDatabase(text: string): boolean {
  return /database ".*" does not exist|Database not found/i.test(text);
}
