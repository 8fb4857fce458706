/** Who asks, inside which transaction, with which context: what every model method gets. */
import type { Transaction } from '../db/transaction.ts';
import type { ModelSpec } from './fields.ts';
import type { Vals } from './value.ts';

/** Prices by price list; see cache/prices.ts. */
export interface PriceBook {
  /** Unit price of each product in this price list, same order. 0 as price list: the sales price. */
  prices(tx: Transaction, pricelistId: number, productIds: readonly number[]): Promise<readonly number[]>;
  forget(): Promise<void>;
}

export interface Registry {
  get(name: string): ModelSpec | undefined;
  /** Throws when the lab itself names a model that is not there. */
  require(name: string): ModelSpec;
  readonly names: readonly string[];
}

export interface Env {
  readonly tx: Transaction;
  readonly uid: number;
  readonly companyId: number;
  readonly context: Vals;
  readonly models: Registry;
  readonly prices: PriceBook;
  /** `YYYY-MM-DD HH:MM:SS`, UTC. */
  readonly now: string;
  /** `YYYY-MM-DD`, UTC. */
  readonly today: string;
}

export function withContext(env: Env, extra: Vals): Env {
  return { ...env, context: { ...env.context, ...extra } };
}

export function clockStrings(epochMs: number): { readonly now: string; readonly today: string } {
  const iso = new Date(epochMs).toISOString();
  return { now: `${iso.slice(0, 10)} ${iso.slice(11, 19)}`, today: iso.slice(0, 10) };
}
