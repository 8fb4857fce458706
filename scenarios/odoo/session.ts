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

export interface VuSession extends OdooSession {
  /** Starts the clock of an iteration: its calls may take `timeoutMs` each and `budgetMs` together. */
  begin(timeoutMs: number, budgetMs: number): OdooSession;
}

/** One for a VU: everything that does not change from call to call is made once. */
export function openSession(access: OdooAccess, uid: number): VuSession {
  const prefixes: Record<string, string> = {};
  const url = `${access.url}/xmlrpc/2/object`;
  const { metadata } = exec.vu.metrics;
  let deadline = 0;
  let callTimeoutMs = 0;
  let measuredMs = 0;
  let params = { headers: HEADERS, timeout: 0 };

  const prefixOf = (model: string, method: string): string => {
    const name = `${model}/${method}`;
    prefixes[name] ??= callPrefix(access.database, uid, access.password, model, method);
    return prefixes[name];
  };

  /** Leaves the time it took in `measuredMs`; -1: not sent. */
  const send = (call: Call): Answer => {
    const sentAt = Date.now();
    const leftMs = Math.min(call.timeoutMs ?? callTimeoutMs, deadline - sentAt);
    if (leftMs < 1) {
      measuredMs = -1;
      return OUT_OF_TIME;
    }
    const message = callBody(prefixOf(call.model, call.method), call.args, call.kwargs ?? NO_KWARGS);
    if (params.timeout !== leftMs) params = { headers: HEADERS, timeout: leftMs };
    const response = http.post(url, message, params);
    const { status } = response;
    const text = status === 0 ? '' : response.body;
    const body = typeof text === 'string' ? text : '';
    if (status === 0) {
      // k6 leaves the phases at 0 when the exchange broke off: the wall clock says how long the client waited.
      measuredMs = Date.now() - sentAt;
    } else {
      // `blocked` holds connecting too.
      const { blocked, duration } = response.timings;
      measuredMs = blocked + duration;
    }
    const verdict = classify({ status, body, errorCode: status === 200 ? 0 : response.error_code });
    if (verdict.fault === 'crash') console.warn(`${call.model}/${call.method}: ${verdict.message}`);
    return { outcome: verdict.outcome, fault: verdict.fault, body };
  };

  const record = (call: Call, { outcome, fault, body }: Answer, durationMs: number) => {
    const { step, model, effect, keys } = call;
    if (keys === undefined || (call.shows !== undefined && (outcome !== 'ok' || !call.shows(body)))) {
      callDuration.add(durationMs, { step, model, effect: '', outcome, fault });
      return;
    }
    metadata.keys = keys;
    callDuration.add(durationMs, { step, model, effect: effect ?? '', outcome, fault });
    delete metadata.keys;
  };

  const session: VuSession = {
    begin(timeoutMs, budgetMs) {
      callTimeoutMs = timeoutMs;
      deadline = Date.now() + budgetMs;
      return session;
    },
    timeoutMs: () => callTimeoutMs,
    leftMs: () => deadline - Date.now(),
    pause(ms) {
      sleep(Math.max(0, Math.min(ms, deadline - Date.now())) / 1_000);
    },
    call(call) {
      const answer = send(call);
      if (measuredMs >= 0) record(call, answer, measuredMs);
      return answer;
    },
    callReturningNone(call, readBack) {
      const answer = send(call);
      const durationMs = measuredMs;
      if (durationMs < 0) return answer;
      const settled = answer.fault === NONE_FAULT && readBack() ? { ...answer, outcome: 'ok' as const } : answer;
      record(call, settled, durationMs);
      return settled;
    },
  };
  return session;
}

const OUT_OF_TIME: Answer = { outcome: 'fail', fault: 'out-of-time', body: '' };
