/**
 * What a fault or a lost connection says about the write behind it: the same rules as `scenarios/odoo/outcome.ts`, which runs
 * inside k6 and cannot share code with this. Sections are those of odoo-behaviour.md. When in doubt: unknown, because a
 * write taken for undone is sent again and happens twice.
 */
export type FailedOutcome = 'fail' | 'unknown';

/** Odoo lost its database (psycopg2's class names). */
const DATABASE_LOST = /OperationalError|InterfaceError|AdminShutdown|CrashShutdown|CannotConnectNow|PoolError/;
/** ... before a transaction was open, in the words of libpq and Odoo's pool. */
const WHILE_CONNECTING =
  /could not connect|connection to server at|Connection refused|starting up|shutting down|recovery mode|does not exist|too many|remaining connection slots|pool/i;

/**
 * Classifies a fault by the last line of its text (section 4: the code alone does not). `unknown` for a method that returned
 * None, which is raised after the commit (section 2), and for a database lost in the middle, which may have been in COMMIT.
 * Every other fault of the table was rolled back.
 */
export function classifyFault(text: string): FailedOutcome {
  const line = lastLine(text);
  if (line.includes('cannot marshal None')) return 'unknown';
  return DATABASE_LOST.test(line) && !WHILE_CONNECTING.test(line) ? 'unknown' : 'fail';
}

/** The last line that says something: of a traceback, the exception. Its indented continuation lines are left out. */
export function lastLine(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return (lines.findLast((line) => !/^\s/.test(line)) ?? lines.at(-1) ?? '').trim();
}

/**
 * Classifies an HTTP answer that is not 200. Odoo itself answers 200 to everything (section 2), so these come from a proxy
 * before it. 3xx and 4xx were not passed on; 5xx may have been, but for a 503 in the words for "no backend".
 */
export function classifyStatus(status: number, body: string): FailedOutcome {
  if (status !== 408 && status < 500) return 'fail';
  const noBackend = /no healthy upstream|no server is available|Service Temporarily Unavailable|no worker/i;
  return status === 503 && noBackend.test(body) ? 'fail' : 'unknown';
}

/** The model that the target does not have, when the fault says so (fault table: unknown model). */
export function missingModelIn(text: string): string | null {
  return /^Object ([\w.]+) doesn't exist/m.exec(text)?.[1] ?? null;
}

/** Whether the fault says that the server has no such database. */
export function isMissingDatabase(text: string): boolean {
  return /database ".*" does not exist|Database not found/i.test(text);
}
