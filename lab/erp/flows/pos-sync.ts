/** Tills send their tickets: idempotent by uuid, re-homed when their session is closed (facts, duplicates and silent changes 1-4). */
import { num, type Row, str } from '../db/transaction.ts';
import type { Env } from '../orm/env.ts';
import { readRecords } from '../orm/read.ts';
import { asNumber, isDict, type Vals, type Value } from '../orm/value.ts';
import { createRecords, unlinkRecords } from '../orm/write.ts';
import { keyError, missingError, typeError, userError } from '../rpc/faults.ts';

const ORDER_FIELDS = [
  'id',
  'name',
  'uuid',
  'state',
  'session_id',
  'pos_reference',
  'amount_total',
  'amount_paid',
  'amount_tax',
  'amount_return',
  'date_order',
  'user_id',
  'partner_id',
  'account_move',
  'tracking_number',
  'lines',
  'payment_ids',
];
const LINE_FIELDS = [
  'id',
  'uuid',
  'order_id',
  'product_id',
  'qty',
  'price_unit',
  'price_subtotal',
  'price_subtotal_incl',
  'discount',
];
const PAYMENT_FIELDS = ['id', 'uuid', 'pos_order_id', 'payment_method_id', 'amount', 'payment_date'];

export async function syncFromUi(env: Env, _ids: readonly number[], args: Vals): Promise<Value> {
  const tickets = checkTickets(args.orders);
  const sessions = await loadSessions(
    env,
    tickets.map((ticket) => asNumber(ticket.session_id)),
  );
  const known = await knownOrders(
    env,
    tickets.map((ticket) => String(ticket.uuid ?? '')),
  );
  const fresh: Vals[] = [];
  const drafts: number[] = [];
  const seen = new Set<string>();
  for (const ticket of tickets) {
    const uuid = String(ticket.uuid ?? '');
    const stored = known.get(uuid);
    if (uuid !== '' && (seen.has(uuid) || (stored && str(stored, 'state') !== 'draft'))) continue;
    if (stored) drafts.push(num(stored, 'id'));
    seen.add(uuid);
    fresh.push(await toOrder(env, ticket, sessions));
  }
  // A draft that comes again is replaced by what the till says now.
  if (drafts.length > 0) await unlinkRecords(env, env.models.require('pos.order'), drafts);
  const made = await createRecords(env, env.models.require('pos.order'), await number(env, fresh));
  const repeated = tickets.flatMap((ticket) => {
    const stored = known.get(String(ticket.uuid ?? ''));
    return stored && !drafts.includes(num(stored, 'id')) ? [num(stored, 'id')] : [];
  });
  return await answer(env, [...new Set([...made, ...repeated])]);
}

function checkTickets(orders: Value | undefined): readonly Vals[] {
  if (!Array.isArray(orders)) throw typeError("'bool' object is not iterable");
  return orders.map((ticket) => {
    if (!isDict(ticket)) throw typeError('list indices must be integers or slices, not str');
    if (ticket.session_id === undefined) throw keyError('session_id');
    for (const command of Array.isArray(ticket.payment_ids) ? ticket.payment_ids : []) {
      const payment = Array.isArray(command) ? command[2] : undefined;
      if (isDict(payment) && payment.payment_method_id === undefined) throw keyError('payment_method_id');
    }
    return ticket;
  });
}

/** The row is updated by every batch of the session: concurrent batches of one till serialize here, and the losers are repeated. */
async function loadSessions(env: Env, ids: readonly number[]): Promise<Map<number, Row>> {
  const unique = [...new Set(ids)].sort((a, b) => a - b);
  const rows = await env.tx.query(
    "UPDATE pos_session SET sequence_number = sequence_number + $2::int, write_date = now() AT TIME ZONE 'UTC' WHERE id = ANY($1::int[]) RETURNING id, config_id, state, name, sequence_number",
    [unique, ids.length],
  );
  const found = new Map(rows.map((row) => [num(row, 'id'), row]));
  const missing = unique.filter((id) => !found.has(id));
  if (missing.length > 0) throw missingError('pos.session', missing, env.uid);
  return found;
}

async function knownOrders(env: Env, uuids: readonly string[]): Promise<ReadonlyMap<string, Row>> {
  const rows = await env.tx.query(
    "SELECT DISTINCT ON (uuid) id, uuid, state FROM pos_order WHERE uuid = ANY($1::text[]) AND uuid <> '' ORDER BY uuid, id",
    [[...uuids]],
  );
  return new Map(rows.map((row) => [str(row, 'uuid'), row]));
}

const isOpen = (row: Row): boolean => ['opening_control', 'opened'].includes(str(row, 'state'));

async function openSession(env: Env, sessionId: number, sessions: Map<number, Row>): Promise<number> {
  const asked = sessions.get(sessionId);
  if (!asked || isOpen(asked)) return sessionId;
  const [other] = await env.tx.query(
    "SELECT id, config_id, state, name, sequence_number FROM pos_session WHERE config_id = $1 AND state IN ('opening_control', 'opened') ORDER BY id LIMIT 1",
    [num(asked, 'config_id')],
  );
  if (!other) throw userError('No open session available. Please open a new session to capture the order.');
  sessions.set(sessionId, other);
  return num(other, 'id');
}

const STORED = [
  'uuid',
  'user_id',
  'partner_id',
  'pricelist_id',
  'sequence_number',
  'date_order',
  'amount_total',
  'amount_tax',
  'amount_return',
  'to_invoice',
  'tracking_number',
  'last_order_preparation_change',
];
const LINE_STORED = [
  'uuid',
  'product_id',
  'qty',
  'price_unit',
  'discount',
  'price_subtotal',
  'price_subtotal_incl',
  'full_product_name',
  'tax_ids',
];

const keep = (vals: Vals, names: readonly string[]): Vals =>
  Object.fromEntries(names.flatMap((name) => (vals[name] === undefined ? [] : [[name, vals[name] as Value]])));
const dicts = (commands: Value | undefined): readonly Vals[] =>
  (Array.isArray(commands) ? commands : []).flatMap((command) =>
    Array.isArray(command) && isDict(command[2]) ? [command[2]] : [],
  );

async function toOrder(env: Env, ticket: Vals, sessions: Map<number, Row>): Promise<Vals> {
  const sessionId = await openSession(env, asNumber(ticket.session_id), sessions);
  const payments = dicts(ticket.payment_ids).map(
    (payment): Value => [
      0,
      0,
      {
        amount: payment.amount ?? 0,
        payment_method_id: payment.payment_method_id ?? false,
        payment_date: typeof payment.name === 'string' ? payment.name : env.now,
        name: payment.name ?? false,
        session_id: sessionId,
      },
    ],
  );
  const paid = dicts(ticket.payment_ids).reduce((sum, payment) => sum + asNumber(payment.amount), 0);
  return {
    ...keep(ticket, STORED),
    ...(ticket.amount_paid === undefined ? {} : { amount_paid: payments.length > 0 ? paid : asNumber(ticket.amount_paid) }),
    session_id: sessionId,
    pos_reference: ticket.name ?? ticket.pos_reference ?? false,
    // Underpaid tickets are taken as paid, too: Odoo only logs the error.
    state: ticket.state === 'draft' ? 'draft' : 'paid',
    lines: dicts(ticket.lines).map((line): Value => [0, 0, keep(line, LINE_STORED)]),
    payment_ids: payments,
  };
}

async function number(env: Env, vals: readonly Vals[]): Promise<readonly Vals[]> {
  if (vals.length === 0) return vals;
  const rows = await env.tx.query("SELECT nextval('pos_order_name_seq')::int AS n FROM generate_series(1, $1::int)", [
    vals.length,
  ]);
  return vals.map((item, index) => ({ ...item, name: `Shop/${String(num(rows[index], 'n')).padStart(4, '0')}` }));
}

async function answer(env: Env, ids: readonly number[]): Promise<Value> {
  const options = { names: false };
  const orders = await readRecords(env, env.models.require('pos.order'), ids, ORDER_FIELDS, options);
  const children = (name: string): number[] =>
    orders.flatMap((item) => (Array.isArray(item[name]) ? (item[name] as number[]) : []));
  return {
    'pos.order': orders,
    'pos.session': [],
    'pos.payment': await readRecords(env, env.models.require('pos.payment'), children('payment_ids'), PAYMENT_FIELDS, options),
    'pos.order.line': await readRecords(env, env.models.require('pos.order.line'), children('lines'), LINE_FIELDS, options),
    'pos.pack.operation.lot': [],
    'product.attribute.custom.value': [],
  };
}
