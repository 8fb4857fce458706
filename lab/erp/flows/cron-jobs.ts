/** The scheduled actions of a stock database that do something here, by id (docs/reference/odoo-behaviour.md section 3). */
import { num } from '../db/transaction.ts';
import type { Env } from '../orm/env.ts';
import type { Value } from '../orm/value.ts';
import { missingError } from '../rpc/faults.ts';
import { postMoves } from './posting.ts';
import { reserveStatement } from './quants.ts';

export const CRON = { autovacuum: 1, postAutoEntries: 18, sendInvoices: 19, procurement: 20 } as const;

export async function triggerCrons(env: Env, ids: readonly number[]): Promise<Value> {
  const rows = await env.tx.query('SELECT id FROM ir_cron WHERE id = ANY($1::int[])', [[...ids]]);
  if (rows.length !== new Set(ids).size) throw missingError('ir.cron', ids, env.uid);
  for (const id of ids) await runCron(env, id);
  return true;
}

export async function runCron(env: Env, id: number): Promise<void> {
  if (id === CRON.autovacuum) await vacuumWizards(env);
  if (id === CRON.postAutoEntries) await postDueEntries(env);
  if (id === CRON.procurement) await reserveWaiting(env);
  await env.tx.execute(
    "UPDATE ir_cron SET lastcall = now() AT TIME ZONE 'UTC', nextcall = (now() AT TIME ZONE 'UTC') + interval '1 day' WHERE id = $1",
    [id],
  );
}

async function vacuumWizards(env: Env): Promise<void> {
  for (const table of [
    'sale_advance_payment_inv',
    'account_payment_register',
    'account_move_reversal',
    'validate_account_move',
    'sale_order_cancel',
  ] as const)
    await env.tx.execute(`DELETE FROM ${table} WHERE create_date < (now() AT TIME ZONE 'UTC') - interval '1 hour'`);
}

async function postDueEntries(env: Env): Promise<void> {
  const due = await env.tx.query(
    "SELECT id FROM account_move WHERE state = 'draft' AND auto_post <> 'no' AND date <= $1 ORDER BY id LIMIT 100",
    [env.today],
  );
  if (due.length > 0)
    await postMoves(
      env,
      due.map((row) => num(row, 'id')),
    );
}

async function reserveWaiting(env: Env): Promise<void> {
  const waiting = await env.tx.query(
    "SELECT DISTINCT picking_id AS id FROM stock_move WHERE state IN ('confirmed', 'partially_available') AND picking_id IS NOT NULL ORDER BY 1 LIMIT 100",
  );
  if (waiting.length > 0)
    await env.tx.executeAll([
      reserveStatement(
        'transfers',
        waiting.map((row) => num(row, 'id')),
      ),
    ]);
}
