/** Answers and failures of the Kubernetes API as errors of ours, in the API's own words. */
import './load-on-node-22-12.ts';
import { ApiException } from '@kubernetes/client-node';
import { HarnessError } from '../errors.ts';
import type { ApiTrouble } from '../model/run-records.ts';
import { describeFetchError } from './http-get.ts';

/** An error of the Kubernetes API that still knows its HTTP status; null: there was no answer. */
export class KubernetesError extends HarnessError {
  readonly status: number | null;

  constructor(message: string, status: number | null, options: { readonly hint?: string; readonly cause?: unknown } = {}) {
    super('ERR_KUBERNETES', message, options);
    this.status = status;
  }
}

const TROUBLE_OF: Readonly<Record<number, ApiTrouble>> = {
  401: 'credentials',
  403: 'forbidden',
  404: 'not-found',
  408: 'timeout',
  410: 'gone',
  429: 'throttled',
  504: 'timeout',
};

/** Refused before anything was done. Other failures of a change may hide that it was made: the answer was lost. */
export function surelyNotDone(error: unknown): boolean {
  const trouble = apiTrouble(error);
  if (trouble === 'unreachable' && error instanceof KubernetesError) return isRefusedConnection(error.cause);
  return trouble !== null && trouble !== 'timeout' && trouble !== 'server-error';
}

/** Below fetch's own error stands that of the socket. */
function isRefusedConnection(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && cause.code === 'ECONNREFUSED') return true;
  }
  return false;
}

/** Null: no error of the Kubernetes API. */
export function apiTrouble(error: unknown): ApiTrouble | null {
  if (!(error instanceof KubernetesError)) return null;
  const { status, cause } = error;
  if (status !== null) return TROUBLE_OF[status] ?? (status >= 500 ? 'server-error' : 'refused');
  return cause instanceof Error && (cause.name === 'TimeoutError' || cause.name === 'AbortError') ? 'timeout' : 'unreachable';
}

const PASSING: ReadonlySet<ApiTrouble> = new Set(['unreachable', 'timeout', 'throttled', 'credentials', 'gone', 'server-error']);

/** The same call may be answered a moment later: an API server that restarts, a token that is renewed, a 429. */
export function isTransient(error: unknown): boolean {
  const trouble = apiTrouble(error);
  return trouble !== null && PASSING.has(trouble);
}

export function toHarnessError(error: unknown, what: string): HarnessError {
  if (error instanceof ApiException) {
    return refusedByApi(error.code, error.body, what, error);
  }
  return new KubernetesError(`${what}: ${describeFetchError(error)}`, null, {
    cause: error,
    hint: 'check that the API server of this context can be reached from here',
  });
}

/** An answer of the API that is no success. */
export function refusedByApi(code: number, body: unknown, what: string, cause?: unknown): HarnessError {
  const words = apiWords(body) ?? `HTTP ${code}`;
  const hint = HINTS[code];
  return new KubernetesError(`${what}: ${words} (${code})`, code, { cause, ...(hint ? { hint } : {}) });
}

const HINTS: Readonly<Record<number, string>> = {
  401: 'the credentials of this context are not accepted; log in again',
  403: 'give this user the permission that the message names, in this namespace',
};

/** `Status.message` of the API; the client hands the body over as text or as an object, depending on the status. */
export function apiWords(body: unknown): string | null {
  if (typeof body === 'string') {
    try {
      return apiWords(JSON.parse(body)) ?? body;
    } catch {
      return body.trim() === '' ? null : body.trim().slice(0, 500);
    }
  }
  if (typeof body === 'object' && body !== null && 'message' in body && typeof body.message === 'string') return body.message;
  return null;
}
