/** Transactions with Odoo's server-side retries (odoo-behaviour.md section 2: 5 tries, sleep uniform(0, 2^n) s, n = 1..4). */
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, type ConnectionTarget } from './connection.ts';
import { breaksConnection, isConnectionError, isRetryable, translateDatabaseError } from './errors.ts';
import type { Statement, Transaction } from './transaction.ts';

const MAX_TRIES = 5;

export interface RetryPolicy {
  /** Scales the sleeps between tries; 1 as in Odoo. */
  readonly factor: number;
  readonly random: () => number;
  readonly sleep: (ms: number) => Promise<unknown>;
}

export const ODOO_RETRIES: RetryPolicy = { factor: 1, random: Math.random, sleep: (ms) => sleep(ms) };

export class Database {
  readonly #connection: Connection;
  readonly #retries: RetryPolicy;
  /** Transactions that were repeated so far. */
  retried = 0;

  constructor(target: ConnectionTarget, retries: RetryPolicy = ODOO_RETRIES) {
    this.#connection = new Connection(target);
    this.#retries = retries;
  }

  /** Runs `work` in a transaction and commits; `before` is paid in every try, ahead of the snapshot. */
  async run<T>(work: (tx: Transaction) => Promise<T>, before?: () => Promise<void>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      if (before) await before();
      try {
        return await this.#once(work);
      } catch (error) {
        if (!isRetryable(error) || attempt >= MAX_TRIES) throw translateDatabaseError(error, this.#connection.where);
      }
      this.retried += 1;
      await this.#retries.sleep(this.#retries.random() * 2 ** attempt * 1_000 * this.#retries.factor);
    }
  }

  async #once<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    await this.#begin();
    const tx: Transaction = {
      query: async (sql, params) => (await this.#connection.query(sql, params)).rows,
      execute: async (sql, params) => (await this.#connection.query(sql, params)).count,
      executeAll: (statements) => this.#executeAll(statements),
    };
    try {
      const result = await work(tx);
      await this.#connection.query('COMMIT');
      return result;
    } catch (error) {
      await this.#rollback(error);
      throw error;
    }
  }

  /** All answers are awaited, so that none arrives after the rollback; the first failure is the cause of the others. */
  async #executeAll(statements: readonly Statement[]): Promise<readonly number[]> {
    const answers = await Promise.allSettled(statements.map(({ sql, params }) => this.#connection.query(sql, params)));
    return answers.map((answer) => {
      if (answer.status === 'rejected') throw answer.reason;
      return answer.value.count;
    });
  }

  /** As Odoo's pool does when a connection is borrowed: one that died since its last use is replaced silently. */
  async #begin(): Promise<void> {
    const reused = this.#connection.isOpen;
    try {
      await this.#connection.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    } catch (error) {
      this.#connection.drop();
      if (!reused || !(isConnectionError(error) || breaksConnection(error))) throw error;
      await this.#connection.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    }
  }

  async #rollback(cause: unknown): Promise<void> {
    if (breaksConnection(cause)) {
      this.#connection.drop();
      return;
    }
    try {
      await this.#connection.query('ROLLBACK');
    } catch {
      // The first error is the one to report; a connection that cannot roll back is of no use.
      this.#connection.drop();
    }
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}
