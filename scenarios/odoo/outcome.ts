/**
 * What an answer, or its absence, says about the call: `ok`, `fail` (certainly not done) or `unknown` (may have been done).
 * Sections are those of odoo-behaviour.md unless another source is named. When in doubt: unknown, because a write taken for
 * undone is sent again and happens twice.
 */
import type { Outcome } from '../../src/model/run-records.ts';
import { unescapeText } from './xmlrpc.ts';

/** The parts of k6's HTTP response that the rules look at. */
export interface RawAnswer {
  /** 0: no HTTP answer. */
  readonly status: number;
  readonly body: string | null;
  /** k6's error code (k6 documentation, "Error codes"); 0 when the HTTP exchange itself worked. */
  readonly errorCode: number;
}

export interface Verdict {
  readonly outcome: Outcome;
  /** Short class of what went wrong, '' when nothing did. Few values: it is a tag. */
  readonly fault: string;
  /** The fault's last line, for the log. */
  readonly message: string;
}

const OK: Verdict = { outcome: 'ok', fault: '', message: '' };

/** The fault of a method that returned None: raised while the answer was written, after the commit (section 2). */
export const NONE_FAULT = 'none-returned';

export function classify(answer: RawAnswer): Verdict {
  if (answer.errorCode !== 0 && answer.status === 0) return transportVerdict(answer.errorCode);
  if (answer.status !== 200) return statusVerdict(answer.status, answer.body ?? '');
  const body = answer.body ?? '';
  const at = body.indexOf('<methodResponse>');
  // Section 7.1: 200 says nothing. A page that is not XML-RPC came from something before Odoo, which may have passed the call on.
  if (at < 0) return { outcome: 'unknown', fault: 'not-xml-rpc', message: body.slice(0, 120) };
  // Section 2, parser trap: a fault's code is an <int> too, so the fault is looked for first, by position.
  let next = at + 16;
  while (body.charCodeAt(next) <= 32) next += 1;
  if (body.startsWith('<fault>', next)) return faultVerdict(faultTextOf(body), faultCodeOf(body));
  if (body.lastIndexOf('</methodResponse>') < 0)
    return { outcome: 'unknown', fault: 'cut-short', message: 'the answer is cut short' };
  return OK;
}

/** k6 error codes that mean the request never left: bad URL, DNS, dialling, certificate. Everything else may have arrived. */
function transportVerdict(code: number): Verdict {
  if (code === 1050) return { outcome: 'unknown', fault: 'timeout', message: 'no answer in time' };
  if (code === 1211) return { outcome: 'fail', fault: 'connect-timeout', message: 'no connection in time' };
  if (code === 1212) return { outcome: 'fail', fault: 'refused', message: 'connection refused' };
  if (code >= 1210 && code < 1220) return { outcome: 'fail', fault: 'connect', message: `no connection (k6 error ${code})` };
  if (code === 1020 || (code >= 1100 && code < 1200)) return { outcome: 'fail', fault: 'address', message: `k6 error ${code}` };
  if (code === 1310 || code === 1311) return { outcome: 'fail', fault: 'certificate', message: `k6 error ${code}` };
  if (code === 1220) return { outcome: 'unknown', fault: 'reset', message: 'connection reset' };
  // Section 2: a client that hangs up, or is hung up on, after sending has its work committed all the same.
  return { outcome: 'unknown', fault: 'connection-lost', message: `k6 error ${code}` };
}

/**
 * Odoo answers 200 to everything on this path (section 2; GET is 405), so another status is from a proxy before it. 3xx and 4xx:
 * not passed on. 502 and 504 follow a call that was. 503 is both: nginx and HAProxy say it without a backend, Envoy also when the
 * backend hung up ("reset before headers"), so it counts as not sent only with the words of the first kind.
 */
function statusVerdict(status: number, body: string): Verdict {
  const fault = `http-${status}`;
  if (status === 408 || status >= 500) {
    const sent = !(
      status === 503 && /no healthy upstream|no server is available|Service Temporarily Unavailable|no worker/i.test(body)
    );
    return { outcome: sent ? 'unknown' : 'fail', fault, message: body.slice(0, 120) };
  }
  return { outcome: 'fail', fault, message: body.slice(0, 120) };
}

export function faultTextOf(body: string): string {
  const name = body.indexOf('<name>faultString</name>');
  const open = name < 0 ? -1 : body.indexOf('<value>', name);
  const end = open < 0 ? -1 : body.indexOf('</value>', open);
  if (end < 0) return '';
  const raw = body.slice(open + 7, end);
  const content = raw.trimStart().startsWith('<string>') ? raw.slice(raw.indexOf('>') + 1, raw.lastIndexOf('</string>')) : raw;
  return unescapeText(content);
}

export function faultCodeOf(body: string): number {
  const name = body.indexOf('<name>faultCode</name>');
  const open = name < 0 ? -1 : body.indexOf('<int>', name);
  return open < 0 ? 0 : Number(body.slice(open + 5, body.indexOf('<', open + 5)));
}

/** The last line that says something; a traceback's exception goes on in indented lines, so those are left out. */
export function lastLine(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const unindented = lines.filter((line) => line.trimStart() === line);
  return (unindented[unindented.length - 1] ?? lines[lines.length - 1] ?? '').trim();
}

/** The fault table of section 4: the code alone does not classify, the last line does. */
export function faultVerdict(text: string, code: number): Verdict {
  const message = lastLine(text);
  const verdict = (outcome: Outcome, fault: string): Verdict => ({ outcome, fault, message });
  // Section 2: raised after the commit; known-safe methods are read back by their journey.
  if (message.includes('cannot marshal None')) return verdict('unknown', NONE_FAULT);
  if (message.includes('SerializationFailure') || message.includes('DeadlockDetected') || message.includes('LockNotAvailable'))
    return verdict('fail', 'conflict');
  if (message.includes('ReadOnlySqlTransaction') || message.includes('read-only transaction'))
    return verdict('fail', 'read-only');
  if (/OperationalError|InterfaceError|AdminShutdown|CrashShutdown|CannotConnectNow|PoolError/.test(message)) {
    // Words of libpq while connecting: no transaction was open yet. Any other loss may have been during COMMIT.
    const connecting =
      /could not connect|connection to server|Connection refused|starting up|shutting down|recovery mode|does not exist|too many|remaining connection slots|pool/i;
    return connecting.test(message) ? verdict('fail', 'database-down') : verdict('unknown', 'database-lost');
  }
  if (code === 3 || message === 'Access Denied') return verdict('fail', 'denied');
  if (code === 4) return verdict('fail', 'access');
  if (message.includes("doesn't exist") || message.includes('does not exist') || message.startsWith('(Record:'))
    return verdict('fail', 'missing');
  if (code === 2) return verdict('fail', 'business');
  return verdict('fail', 'crash');
}
