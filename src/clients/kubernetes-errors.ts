/** Answers and failures of the Kubernetes API as errors of ours, in the API's own words. */
import './load-on-node-22-12.ts';
import { ApiException } from '@kubernetes/client-node';
import { HarnessError } from '../errors.ts';
import { describeFetchError } from './http-get.ts';

export function toHarnessError(error: unknown, what: string): HarnessError {
  if (error instanceof ApiException) {
    return refusedByApi(error.code, error.body, what, error);
  }
  return new HarnessError('ERR_KUBERNETES', `${what}: ${describeFetchError(error)}`, {
    cause: error,
    hint: 'check that the API server of this context can be reached from here',
  });
}

/** An answer of the API that is no success. */
export function refusedByApi(code: number, body: unknown, what: string, cause?: unknown): HarnessError {
  const words = apiWords(body) ?? `HTTP ${code}`;
  const hint = HINTS[code];
  return new HarnessError('ERR_KUBERNETES', `${what}: ${words} (${code})`, { cause, ...(hint ? { hint } : {}) });
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
