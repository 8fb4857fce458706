/** /web/health: 200 only while PostgreSQL answers; asked on a connection of its own, so a long request does not hide it. */
import type { Connection } from '../db/connection.ts';
import type { Answer } from './server.ts';

const LIMIT_MS = 1_000;
const CACHE_MS = 500;

export class Health {
  readonly #connection: Connection;
  readonly #now: () => number;
  #last: { readonly at: number; readonly ok: boolean } | null = null;
  #asking: Promise<boolean> | null = null;

  constructor(connection: Connection, now: () => number) {
    this.#connection = connection;
    this.#now = now;
  }

  async answer(): Promise<Answer> {
    const ok = await this.#healthy();
    const body = JSON.stringify(ok ? { status: 'pass' } : { status: 'fail', reason: 'PostgreSQL does not answer' });
    return { status: ok ? 200 : 503, type: 'application/json; charset=utf-8', body };
  }

  async #healthy(): Promise<boolean> {
    if (this.#last && this.#now() - this.#last.at < CACHE_MS) return this.#last.ok;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return await this.#asking;
  }

  async #ask(): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), LIMIT_MS);
    });
    const asked = this.#connection.query('SELECT 1 AS one').then(
      () => true,
      () => false,
    );
    const ok = await Promise.race([asked, late]);
    clearTimeout(timer);
    // A frozen connection would answer all questions late, once it thaws.
    if (!ok) this.#connection.drop();
    this.#last = { at: this.#now(), ok };
    return ok;
  }
}
