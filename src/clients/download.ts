import { HarnessError } from '../errors.ts';

export interface DownloadOptions {
  /** For the whole transfer. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly onProgress?: (receivedBytes: number, totalBytes: number | null) => void;
  readonly signal?: AbortSignal | undefined;
}

/** GET, redirects followed, into memory. @throws HarnessError ERR_TARGET_UNREACHABLE with the address and the reason. */
export async function download(url: string, options: DownloadOptions): Promise<Buffer> {
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
  try {
    const response = await fetch(url, { signal });
    if (!response.ok || response.body === null) throw new Error(`HTTP ${response.status}`);
    const length = Number(response.headers.get('content-length'));
    const chunks: Uint8Array[] = [];
    let received = 0;
    for await (const chunk of response.body) {
      chunks.push(chunk);
      received += chunk.byteLength;
      if (received > options.maxBytes) throw new Error(`more than ${options.maxBytes} bytes`);
      options.onProgress?.(received, Number.isFinite(length) && length > 0 ? length : null);
    }
    return Buffer.concat(chunks);
  } catch (error) {
    options.signal?.throwIfAborted();
    const reason = deadline.aborted ? `no complete answer within ${options.timeoutMs} ms` : causeOf(error);
    throw new HarnessError('ERR_TARGET_UNREACHABLE', `${url}: ${reason}`, { cause: error });
  }
}

/** `fetch failed` says nothing; its cause does. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}
