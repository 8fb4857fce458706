import type { Clock } from '../../clients/ports.ts';
import { HarnessError } from '../../errors.ts';

const RETRY_EVERY_MS = 1_000;
const DEFAULT_PATIENCE_MS = 30_000;

/** Faults that asking again does not mend: a field or model that is not there, rights that are not given. */
const PERMANENT = /Invalid field|AttributeError|KeyError|not allowed|Access Denied|doesn't exist/;

export interface PatienceOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** Time that failed attempts and the pauses after them may take together. Default 30 s. */
  readonly patienceMs?: number;
}

/** A failed attempt that took longer is one of a target that hangs. */
const HANGING_MS = 5_000;

/**
 * Asks a target again that just failed over, but not for ever: all readings of one ledger pass draw on the same time, so that a
 * target that never comes back is given up once and not once a batch. Readings that work cost nothing of it. When the time is
 * used up, each reading has one attempt, unless the target hangs: then none.
 */
export class Patience {
  readonly #clock: Clock;
  readonly #waiting: { readonly signal?: AbortSignal };
  readonly #givenMs: number;
  #leftMs: number;
  #hangs = false;

  constructor({ clock, signal, patienceMs = DEFAULT_PATIENCE_MS }: PatienceOptions) {
    this.#clock = clock;
    this.#waiting = signal === undefined ? {} : { signal };
    this.#givenMs = patienceMs;
    this.#leftMs = patienceMs;
  }

  /** Throws the last HarnessError of `read` when the time is used up. */
  async read<T>(read: () => Promise<T>): Promise<T> {
    if (this.#leftMs <= 0 && this.#hangs) {
      throw new HarnessError('ERR_TIMEOUT', `not asked: the target gave no right answer for ${this.#givenMs / 1000} s before`);
    }
    for (;;) {
      const startedMs = this.#clock.monotonic();
      try {
        return await read();
      } catch (error) {
        if (!(error instanceof HarnessError) || PERMANENT.test(error.message)) throw error;
        const tookMs = this.#clock.monotonic() - startedMs;
        this.#hangs = tookMs > HANGING_MS;
        this.#leftMs -= tookMs + RETRY_EVERY_MS;
        if (this.#leftMs <= 0) throw error;
      }
      await this.#clock.sleep(RETRY_EVERY_MS, this.#waiting);
    }
  }
}
