/** A till's day: open, count, close. Closing books one entry and takes the sold goods from stock. */
import { randomUUID } from 'node:crypto';
import { num, type Row, str } from '../db/transaction.ts';
import type { Env } from '../orm/env.ts';
import type { Vals, Value } from '../orm/value.ts';
import { asNumber } from '../orm/value.ts';
import { createRecords } from '../orm/write.ts';
import { missingError, userError, validationError } from '../rpc/faults.ts';
import { bookSession, shipSession } from './pos-closing.ts';

/** The first till of a database makes the payment methods; cash belongs to one till only. */
export async function createConfigs(env: Env, ids: readonly number[]): Promise<void> {
  const methods = env.models.require('pos.payment.method');
  for (const id of ids) {
    const [any] = await env.tx.query('SELECT count(*)::int AS n FROM pos_payment_method');
    if (num(any, 'n') === 0) {
      const [cash] = await env.tx.query("SELECT id FROM account_journal WHERE type = 'cash' ORDER BY id LIMIT 1");
      const [bank] = await env.tx.query("SELECT id FROM account_journal WHERE type = 'bank' ORDER BY id LIMIT 1");
      await createRecords(env, methods, [
        { name: 'Cash', journal_id: num(cash, 'id') },
        { name: 'Card', journal_id: num(bank, 'id') },
        { name: 'Customer Account', split_transactions: true },
      ]);
    }
    await env.tx.execute(
      `INSERT INTO pos_config_pos_payment_method_rel (pos_config_id, pos_payment_method_id)
       SELECT $1, m.id FROM pos_payment_method m LEFT JOIN account_journal j ON j.id = m.journal_id
       WHERE m.active AND NOT EXISTS (SELECT 1 FROM pos_config_pos_payment_method_rel r WHERE r.pos_config_id = $1)
         AND (COALESCE(j.type, '') <> 'cash' OR NOT EXISTS (SELECT 1 FROM pos_config_pos_payment_method_rel r WHERE r.pos_payment_method_id = m.id)) ON CONFLICT DO NOTHING`,
      [id],
    );
    await env.tx.execute(
      `UPDATE pos_config SET uuid = $2, journal_id = COALESCE(journal_id, (SELECT id FROM account_journal WHERE code = 'POSS' ORDER BY id LIMIT 1)),
         invoice_journal_id = COALESCE(invoice_journal_id, (SELECT id FROM account_journal WHERE type = 'sale' ORDER BY id LIMIT 1)),
         picking_type_id = COALESCE(picking_type_id, (SELECT pos_type_id FROM stock_warehouse WHERE id = COALESCE(pos_config.warehouse_id, (SELECT min(id) FROM stock_warehouse)))) WHERE id = $1`,
      [id, randomUUID()],
    );
  }
}

export async function prepareSessions(env: Env, vals: readonly Vals[]): Promise<readonly Vals[]> {
  const configs = vals.map((item) => asNumber(item.config_id));
  const open = await env.tx.query(
    "SELECT id FROM pos_session WHERE config_id = ANY($1::int[]) AND state <> 'closed' AND NOT rescue LIMIT 1",
    [configs],
  );
  if (open.length > 0) throw validationError('Another session is already opened for this point of sale.');
  const names = await env.tx.query("SELECT nextval('pos_session_name_seq')::int AS n FROM generate_series(1, $1::int)", [
    vals.length,
  ]);
  return vals.map((item, index) => ({ ...item, name: `POS/${String(num(names[index], 'n')).padStart(5, '0')}` }));
}

/** Answers with the address of the till's page; the session it opened is found by `pos.config.current_session_id`. */
export async function openUi(env: Env, ids: readonly number[]): Promise<Value> {
  // Locked so that two tills opening one configuration do not make two sessions.
  const configs = await env.tx.query('SELECT id FROM pos_config WHERE id = ANY($1::int[]) ORDER BY id FOR UPDATE', [[...ids]]);
  const [id] = ids;
  if (configs.length !== new Set(ids).size || id === undefined) throw missingError('pos.config', ids, env.uid);
  const open = await env.tx.query("SELECT id FROM pos_session WHERE config_id = $1 AND state <> 'closed' AND NOT rescue", [id]);
  if (open.length === 0) {
    await createRecords(env, env.models.require('pos.session'), [{ config_id: id, user_id: env.uid }]);
    await env.tx.execute("UPDATE pos_config SET write_date = now() AT TIME ZONE 'UTC' WHERE id = $1", [id]);
  }
  return { type: 'ir.actions.act_url', url: `/pos/ui?config_id=${id}`, target: 'self' };
}

async function requireSession(env: Env, ids: readonly number[]): Promise<Row> {
  const [id] = ids;
  const [row] = await env.tx.query('SELECT id, name, state, config_id FROM pos_session WHERE id = $1 FOR UPDATE', [id ?? 0]);
  if (!row) throw missingError('pos.session', ids, env.uid);
  return row;
}

/** Returns Python's None. */
export async function setOpeningControl(env: Env, ids: readonly number[], args: Vals): Promise<Value | undefined> {
  const session = await requireSession(env, ids);
  await env.tx.execute(
    "UPDATE pos_session SET state = 'opened', start_at = now() AT TIME ZONE 'UTC', opening_notes = $2, cash_register_balance_start = $3 WHERE id = $1",
    [num(session, 'id'), typeof args.notes === 'string' ? args.notes : null, asNumber(args.cashbox_value)],
  );
  return undefined;
}

export async function postClosingCash(env: Env, ids: readonly number[], args: Vals): Promise<Value> {
  const session = await requireSession(env, ids);
  if (str(session, 'state') === 'closed')
    return { successful: false, type: 'alert', message: 'The session is already closed.', redirect: true };
  await env.tx.execute('UPDATE pos_session SET cash_register_balance_end_real = $2 WHERE id = $1', [
    num(session, 'id'),
    asNumber(args.counted_cash),
  ]);
  return { successful: true };
}

/** Returns Python's None. */
export async function updateClosingControl(env: Env, ids: readonly number[], args: Vals): Promise<Value | undefined> {
  const session = await requireSession(env, ids);
  if (str(session, 'state') === 'closed') throw userError('This session is already closed.');
  await env.tx.execute(
    "UPDATE pos_session SET state = 'closing_control', stop_at = now() AT TIME ZONE 'UTC', closing_notes = $2 WHERE id = $1",
    [num(session, 'id'), typeof args.notes === 'string' ? args.notes : null],
  );
  return undefined;
}

export async function closeSession(env: Env, ids: readonly number[]): Promise<Value> {
  const session = await requireSession(env, ids);
  const sessionId = num(session, 'id');
  if (str(session, 'state') === 'closed')
    return {
      successful: false,
      type: 'alert',
      message:
        'The session has been already closed by another User. All sales completed in the meantime have been saved in a Rescue Session.',
      redirect: true,
    };
  const [drafts] = await env.tx.query("SELECT count(*)::int AS n FROM pos_order WHERE session_id = $1 AND state = 'draft'", [
    sessionId,
  ]);
  if (num(drafts, 'n') > 0)
    return {
      successful: false,
      type: 'alert',
      message: 'You cannot close the POS when orders are still in draft',
      redirect: false,
    };
  const [broken] = await env.tx.query(
    'SELECT count(*)::int AS n FROM pos_order_line l JOIN pos_order o ON o.id = l.order_id WHERE o.session_id = $1 AND (l.qty IS NULL OR l.price_unit IS NULL)',
    [sessionId],
  );
  if (num(broken, 'n') > 0) {
    await env.tx.execute("UPDATE pos_session SET state = 'closing_control' WHERE id = $1", [sessionId]);
    return {
      successful: false,
      type: 'alert',
      message: 'There was an error while closing the session: some order lines have no quantity or price.',
      redirect: false,
    };
  }
  const moveId = await bookSession(env, sessionId, str(session, 'name'));
  await shipSession(env, sessionId, str(session, 'name'), num(session, 'config_id'));
  await env.tx.execute("UPDATE pos_order SET state = 'done' WHERE session_id = $1 AND state = 'paid'", [sessionId]);
  await env.tx.execute(
    "UPDATE pos_session SET state = 'closed', stop_at = COALESCE(stop_at, now() AT TIME ZONE 'UTC'), move_id = $2 WHERE id = $1",
    [sessionId, moveId],
  );
  return { successful: true };
}

/** A dict with None in it: readable over JSON-RPC, a fault over XML-RPC (odoo-behaviour.md section 2). */
export async function closingControlData(env: Env, ids: readonly number[]): Promise<Value> {
  const session = await requireSession(env, ids);
  const [orders] = await env.tx.query(
    "SELECT count(*)::int AS quantity, COALESCE(sum(amount_total), 0) AS amount FROM pos_order WHERE session_id = $1 AND state IN ('paid', 'done', 'invoiced')",
    [num(session, 'id')],
  );
  const payments = await env.tx.query(
    `SELECT m.id, m.name, COALESCE(j.type, 'pay_later') AS type, sum(p.amount) AS amount, count(*)::int AS number FROM pos_payment p JOIN pos_payment_method m ON m.id = p.payment_method_id LEFT JOIN account_journal j ON j.id = m.journal_id WHERE p.session_id = $1 GROUP BY 1, 2, 3 ORDER BY 1`,
    [num(session, 'id')],
  );
  const cash = payments.find((row) => str(row, 'type') === 'cash');
  return {
    orders_details: { quantity: num(orders, 'quantity'), amount: num(orders, 'amount') },
    opening_notes: null,
    default_cash_details: cash
      ? {
          name: str(cash, 'name'),
          amount: num(cash, 'amount'),
          opening: 0,
          payment_amount: num(cash, 'amount'),
          moves: [],
          id: num(cash, 'id'),
        }
      : null,
    non_cash_payment_methods: payments
      .filter((row) => str(row, 'type') !== 'cash')
      .map((row) => ({
        name: str(row, 'name'),
        amount: num(row, 'amount'),
        number: num(row, 'number'),
        id: num(row, 'id'),
        type: str(row, 'type'),
      })),
    is_manager: true,
    amount_authorized_diff: null,
  };
}
