/** What closing a session books and ships. */
import { num, type Row, str } from '../db/transaction.ts';
import type { Env } from '../orm/env.ts';
import type { Value } from '../orm/value.ts';
import { createRecords } from '../orm/write.ts';
import { accountOfType, roundMoney } from './entries.ts';
import { postMoves } from './posting.ts';
import { addQuantity } from './quants.ts';

/** Sales against payments; what was not paid stays on the receivable account, so the entry balances. Gives null without orders. */
export async function bookSession(env: Env, sessionId: number, name: string): Promise<number | null> {
  const [sales] = await env.tx.query(
    "SELECT count(*)::int AS n, COALESCE(sum(amount_total - amount_return), 0) AS total FROM pos_order WHERE session_id = $1 AND state = 'paid'",
    [sessionId],
  );
  if (num(sales, 'n') === 0) return null;
  const payments = await env.tx.query(
    "SELECT m.name, sum(p.amount) AS amount FROM pos_payment p JOIN pos_payment_method m ON m.id = p.payment_method_id JOIN pos_order o ON o.id = p.pos_order_id WHERE o.session_id = $1 AND o.state = 'paid' GROUP BY m.id, m.name ORDER BY m.id",
    [sessionId],
  );
  const receivable = await posReceivable(env);
  const income = await accountOfType(env, 'income');
  const total = roundMoney(num(sales, 'total'));
  const paid = payments.map((row) => ({ label: `${name} - ${str(row, 'name')}`, amount: roundMoney(num(row, 'amount')) }));
  const open = roundMoney(total - paid.reduce((sum, item) => sum + item.amount, 0));
  const side = (account: number, label: string, amount: number): Value => [
    0,
    0,
    { account_id: account, name: label, debit: Math.max(0, amount), credit: Math.max(0, -amount) },
  ];
  const lines = [
    side(income, `Sales ${name}`, -total),
    ...paid.map((item) => side(receivable, item.label, item.amount)),
    ...(open === 0 ? [] : [side(receivable, `${name} - Difference`, open)]),
  ];
  const [journal] = await env.tx.query(
    'SELECT c.journal_id FROM pos_session s JOIN pos_config c ON c.id = s.config_id WHERE s.id = $1',
    [sessionId],
  );
  const [id = 0] = await createRecords(env, env.models.require('account.move'), [
    { move_type: 'entry', journal_id: num(journal, 'journal_id') || false, date: env.today, ref: name, line_ids: lines },
  ]);
  await postMoves(env, [id]);
  return id;
}

async function posReceivable(env: Env): Promise<number> {
  const [row] = await env.tx.query(
    "SELECT id FROM account_account WHERE account_type = 'asset_receivable' ORDER BY (name ILIKE '%PoS%') DESC, code LIMIT 1",
  );
  return num(row, 'id');
}

/** One transfer with all goods that the session sold. */
export async function shipSession(env: Env, sessionId: number, name: string, configId: number): Promise<void> {
  const sold = await env.tx.query(
    `SELECT l.product_id, sum(l.qty) AS quantity FROM pos_order_line l JOIN pos_order o ON o.id = l.order_id JOIN product_product p ON p.id = l.product_id JOIN product_template t ON t.id = p.product_tmpl_id
     WHERE o.session_id = $1 AND o.state = 'paid' AND t.is_storable GROUP BY l.product_id HAVING sum(l.qty) <> 0 ORDER BY l.product_id`,
    [sessionId],
  );
  if (sold.length === 0) return;
  const [type] = await env.tx.query(
    'SELECT t.id, t.default_location_src_id AS source, t.default_location_dest_id AS target FROM pos_config c JOIN stock_picking_type t ON t.id = c.picking_type_id WHERE c.id = $1',
    [configId],
  );
  const [picking = 0] = await createRecords(env, env.models.require('stock.picking'), [
    {
      origin: name,
      state: 'done',
      picking_type_id: num(type, 'id'),
      location_id: num(type, 'source'),
      location_dest_id: num(type, 'target'),
      pos_session_id: sessionId,
      date_done: env.now,
    },
  ]);
  await createRecords(
    env,
    env.models.require('stock.move'),
    sold.map((row) => doneMove(env, row, name, picking, type)),
  );
  await addQuantity(
    env,
    sold.flatMap((row) => [
      { productId: num(row, 'product_id'), locationId: num(type, 'source'), quantity: -num(row, 'quantity') },
      { productId: num(row, 'product_id'), locationId: num(type, 'target'), quantity: num(row, 'quantity') },
    ]),
  );
}

/** Returned goods (negative quantity) travel the other way. */
function doneMove(env: Env, row: Row, name: string, picking: number, type: Row | undefined): Readonly<Record<string, Value>> {
  const quantity = num(row, 'quantity');
  const [from, to] = quantity > 0 ? [num(type, 'source'), num(type, 'target')] : [num(type, 'target'), num(type, 'source')];
  return {
    name,
    reference: name,
    state: 'done',
    product_id: num(row, 'product_id'),
    product_uom_qty: Math.abs(quantity),
    quantity: Math.abs(quantity),
    picked: true,
    date: env.now,
    location_id: from,
    location_dest_id: to,
    picking_id: picking,
  };
}
