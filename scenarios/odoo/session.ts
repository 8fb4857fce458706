/** One VU's door to Odoo: sends a call, classifies the answer, and leaves one `odoo_call` sample. Never throws for an answer. */
import { sleep } from 'k6';
import exec from 'k6/execution';
import http from 'k6/http';
import { Trend } from 'k6/metrics';
import type { Answer, Call, OdooSession } from './call.ts';
import { classify, NONE_FAULT } from './outcome.ts';
import { authenticateBody, callBody, callPrefix, decodeInt, NO_KWARGS } from './xmlrpc.ts';

const callDuration = new Trend('odoo_call', true);

const HEADERS = { 'Content-Type': 'text/xml' };

export interface OdooAccess {
  readonly url: string;
  readonly database: string;
  readonly login: string;
  readonly password: string;
}

/** Checks the login once for the whole test: `authenticate` costs the server half a second of CPU each time, and is never cached. */
export function authenticate(access: OdooAccess): number {
  const body = authenticateBody(access.database, access.login, access.password);
  const response = http.post(`${access.url}/xmlrpc/2/common`, body, { headers: HEADERS, timeout: '60s', redirects: 0 });
  const answer = typeof response.body === 'string' ? response.body : '';
  const verdict = classify({ status: response.status, body: answer, errorCode: response.error_code });
  const uid = verdict.outcome === 'ok' ? decodeInt(answer) : undefined;
  if (uid !== undefined && uid > 0) return uid;
  const why = verdict.outcome === 'ok' ? 'wrong login or password' : `${verdict.fault}: ${verdict.message}`;
  throw new Error(`${access.url}, database "${access.database}", login "${access.login}": ${why}`);
}

/** One for a VU: what does not change from call to call is put together once a method. */
export function openSession(access: OdooAccess, uid: number): (timeoutMs: number, budgetMs: number) => OdooSession {
  const prefixes: Record<string, string> = {};
  const url = `${access.url}/xmlrpc/2/object`;
  const metadata = exec.vu.metrics.metadata;

  const record = (call: Call, answer: Answer & { readonly durationMs: number }) => {
    const { step, model } = call;
    const { outcome, fault } = answer;
    const isWrite = call.shows === undefined || (outcome === 'ok' && call.shows(answer.body));
    const keys = isWrite ? call.keys : undefined;
    if (keys !== undefined) metadata.keys = keys;
    callDuration.add(answer.durationMs, { step, model, effect: (isWrite && call.effect) || '', outcome, fault });
    if (keys !== undefined) delete metadata.keys;
  };

  return (timeoutMs, budgetMs) => {
    const deadline = Date.now() + budgetMs;

    const send = (call: Call): Answer & { readonly durationMs: number } => {
      const sentAt = Date.now();
      const leftMs = Math.min(call.timeoutMs ?? timeoutMs, deadline - sentAt);
      if (leftMs < 1) return { outcome: 'fail', fault: 'out-of-time', body: '', durationMs: -1 };
      const name = `${call.model}/${call.method}`;
      let prefix = prefixes[name];
      if (prefix === undefined) {
        prefix = callPrefix(access.database, uid, access.password, call.model, call.method);
        prefixes[name] = prefix;
      }
      const response = http.post(url, callBody(prefix, call.args, call.kwargs ?? NO_KWARGS), {
        headers: HEADERS,
        timeout: leftMs,
        redirects: 0,
      });
      const body = typeof response.body === 'string' ? response.body : '';
      const verdict = classify({ status: response.status, body, errorCode: response.error_code });
      if (verdict.outcome !== 'ok' && verdict.fault === 'crash') console.warn(`${name}: ${verdict.message}`);
      // `blocked` holds connecting too. After a broken exchange k6 leaves the phases at 0: then the wall clock says how long it was.
      const measured = response.status === 0 ? Date.now() - sentAt : response.timings.blocked + response.timings.duration;
      return { outcome: verdict.outcome, fault: verdict.fault, body, durationMs: measured };
    };

    return {
      timeoutMs,
      leftMs: () => deadline - Date.now(),
      pause(ms) {
        sleep(Math.max(0, Math.min(ms, deadline - Date.now())) / 1_000);
      },
      call(call) {
        const answer = send(call);
        if (answer.durationMs >= 0) record(call, answer);
        return answer;
      },
      callReturningNone(call, readBack) {
        const answer = send(call);
        if (answer.durationMs < 0) return answer;
        const settled = answer.fault === NONE_FAULT && readBack() ? { ...answer, outcome: 'ok' as const } : answer;
        record(call, settled);
        return settled;
      },
    };
  };
}
