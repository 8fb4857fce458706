import { HarnessError } from '../errors.ts';

export type HttpGet = (
  url: string,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
) => Promise<{ readonly status: number }>;

/** One GET; the body is thrown away, redirects are not followed. Any status is an answer; no answer is ERR_TARGET_UNREACHABLE. */
export const httpGet: HttpGet = async (url, { timeoutMs, signal }) => {
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { connection: 'close' },
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
    });
    await response.body?.cancel();
    return { status: response.status };
  } catch (cause) {
    signal?.throwIfAborted();
    throw new HarnessError('ERR_TARGET_UNREACHABLE', `GET ${url}: ${describeFetchError(cause)}`, { cause });
  }
};

/** The reason below fetch's own "fetch failed". */
export function describeFetchError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'no answer in time';
  const cause: unknown = error.cause;
  if (cause instanceof AggregateError)
    return cause.errors.map((each: unknown) => (each instanceof Error ? each.message : String(each))).join('; ');
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message;
}
