/**
 * Redis as a cache that may be slow, full, refusing or gone: short timeouts, a pause after failures, never an error to the caller.
 * What is missing in the cache has to be computed, and that is what the users feel.
 */
import { Redis } from 'ioredis';

const COMMAND_TIMEOUT_MS = 100;
const CONNECT_TIMEOUT_MS = 500;
const READY_TIMEOUT_MS = 200;
/** After this many failures in a row the cache is left alone for a while, so that a dead Redis does not add its timeout to every call. */
const FAILURES_TO_PAUSE = 3;
const PAUSE_MS = 1_000;

export interface Cache {
  /** Values in the order of the keys; null for what is not there or could not be asked. */
  get(keys: readonly string[]): Promise<readonly (string | null)[]>;
  /** False when it was not stored. */
  set(entries: readonly (readonly [string, string])[], ttlSeconds: number): Promise<boolean>;
  forgetMatching(pattern: string): Promise<void>;
  forget(key: string): Promise<void>;
  readonly errors: number;
  ready(): Promise<void>;
  close(): void;
}

export const noCache: Cache = {
  get: async (keys) => keys.map(() => null),
  set: async () => false,
  forgetMatching: async () => undefined,
  forget: async () => undefined,
  errors: 0,
  ready: async () => undefined,
  close: () => undefined,
};

export class RedisCache implements Cache {
  readonly #redis: Redis;
  readonly #now: () => number;
  #failures = 0;
  #pausedUntil = 0;
  errors = 0;

  constructor(url: string, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#redis = new Redis(url, {
      commandTimeout: COMMAND_TIMEOUT_MS,
      connectTimeout: CONNECT_TIMEOUT_MS,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      enableReadyCheck: false,
      retryStrategy: (times) => Math.min(1_000, 100 * times),
      connectionName: 'erp',
    });
    this.#redis.on('error', () => {
      this.errors += 1;
    });
  }

  /** Resolves when connected, or after a short while: starting does not depend on Redis. */
  async ready(): Promise<void> {
    if (this.#redis.status === 'ready') return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, READY_TIMEOUT_MS);
      this.#redis.once('ready', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  async #try<T>(work: () => Promise<T>, fallback: T): Promise<T> {
    if (this.#now() < this.#pausedUntil) return fallback;
    try {
      const result = await work();
      this.#failures = 0;
      return result;
    } catch {
      // Counted, not reported: an add-on that fails because its cache is gone would take the shop down with it.
      this.errors += 1;
      this.#failures += 1;
      if (this.#failures >= FAILURES_TO_PAUSE) this.#pausedUntil = this.#now() + PAUSE_MS;
      return fallback;
    }
  }

  get(keys: readonly string[]): Promise<readonly (string | null)[]> {
    const none = keys.map(() => null);
    if (keys.length === 0) return Promise.resolve(none);
    return this.#try<readonly (string | null)[]>(() => this.#redis.mget(...keys), none);
  }

  set(entries: readonly (readonly [string, string])[], ttlSeconds: number): Promise<boolean> {
    return this.#try(async () => {
      const pipeline = this.#redis.pipeline();
      for (const [key, value] of entries) pipeline.set(key, value, 'EX', ttlSeconds);
      const answers = (await pipeline.exec()) ?? [];
      const failed = answers.find(([error]) => error !== null);
      if (failed?.[0]) throw failed[0];
      return true;
    }, false);
  }

  async forget(key: string): Promise<void> {
    await this.#try(() => this.#redis.del(key), 0);
  }

  async forgetMatching(pattern: string): Promise<void> {
    await this.#try(async () => {
      let cursor = '0';
      do {
        const [next, keys] = await this.#redis.scan(cursor, 'MATCH', pattern, 'COUNT', 500);
        if (keys.length > 0) await this.#redis.unlink(...keys);
        cursor = next;
      } while (cursor !== '0');
    }, undefined);
  }

  close(): void {
    this.#redis.disconnect();
  }
}
