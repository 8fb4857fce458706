/** Waits for its moment and strikes once per switch: some seconds after enough of a run is there to hide in. */
import type { Sabotage } from '../config.ts';
import { num } from '../db/transaction.ts';
import type { Env } from '../orm/env.ts';
import {
  confirmedOrders,
  doubleInvoice,
  doubleOrder,
  eraseOrders,
  invoicedOrders,
  postedEntries,
  unbalanceEntries,
  type Victim,
} from './deeds.ts';
import type { Deed, SabotageLog } from './log.ts';

/** How many times the wanted number must be there first. */
const CROWD = 3;
const PATIENCE_MS = 5_000;

export type InTransaction = <T>(work: (env: Env) => Promise<T>) => Promise<T>;

interface Mission {
  readonly deed: Deed;
  readonly wanted: number;
  readonly find: (env: Env) => Promise<readonly Victim[]>;
  readonly strike: (env: Env, victims: readonly Victim[]) => Promise<void>;
  dueAt: number | null;
}

export class Saboteur {
  readonly #run: InTransaction;
  readonly #log: SabotageLog;
  readonly #now: () => number;
  readonly #missions: readonly Mission[];

  private constructor(run: InTransaction, log: SabotageLog, now: () => number, missions: readonly Mission[]) {
    this.#run = run;
    this.#log = log;
    this.#now = now;
    this.#missions = missions;
  }

  /** Rows that are there now are seed data and stay untouched. */
  static async start(sabotage: Sabotage, run: InTransaction, log: SabotageLog, now: () => number): Promise<Saboteur> {
    const [order, entry] = await run(async (env) => {
      const [row] = await env.tx.query(
        'SELECT COALESCE((SELECT max(id) FROM sale_order), 0)::int AS orders, COALESCE((SELECT max(id) FROM account_move), 0)::int AS entries',
      );
      return [num(row, 'orders'), num(row, 'entries')] as const;
    });
    const orders = (env: Env): Promise<readonly Victim[]> => confirmedOrders(env, order);
    const all: readonly Mission[] = [
      {
        deed: 'lose-acknowledged-writes',
        wanted: sabotage.loseAcknowledgedWrites,
        find: orders,
        strike: eraseOrders,
        dueAt: null,
      },
      {
        deed: 'duplicate-orders',
        wanted: sabotage.duplicateOrders,
        find: orders,
        strike: async (env, victims) => {
          for (const victim of victims) await doubleOrder(env, victim);
        },
        dueAt: null,
      },
      {
        deed: 'duplicate-invoices',
        wanted: sabotage.duplicateInvoices,
        find: (env) => invoicedOrders(env, order),
        strike: async (env, victims) => {
          for (const victim of victims) await doubleInvoice(env, victim);
        },
        dueAt: null,
      },
      {
        deed: 'unbalanced-entries',
        wanted: sabotage.unbalancedEntries,
        find: (env) => postedEntries(env, entry),
        strike: unbalanceEntries,
        dueAt: null,
      },
    ];
    return new Saboteur(
      run,
      log,
      now,
      all.filter((mission) => mission.wanted > 0),
    );
  }

  /** Called every second or so. */
  async tick(): Promise<void> {
    for (const mission of this.#missions) {
      if (this.#log.count(mission.deed) >= mission.wanted) continue;
      const found = await this.#run(mission.find);
      if (found.length < mission.wanted * CROWD) continue;
      mission.dueAt ??= this.#now() + PATIENCE_MS;
      if (this.#now() < mission.dueAt) continue;
      const victims = found.slice(0, mission.wanted);
      this.#log.append(
        mission.deed,
        victims.map((victim) => victim.key),
      );
      await this.#run((env) => mission.strike(env, victims));
    }
  }
}
