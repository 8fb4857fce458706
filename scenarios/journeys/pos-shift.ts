/** A till that was offline: opens its session, sends its backlog in batches, and closes. */
import type { Outcome } from '../../src/model/run-records.ts';
import { type OdooSession, worseOf } from '../odoo/call.ts';
import {
  bool,
  createLine,
  decodeResult,
  decodeRows,
  double,
  int,
  ints,
  isRecord,
  list,
  member,
  replaceWith,
  struct,
  term,
  text,
  texts,
} from '../odoo/xmlrpc.ts';
import { type Random, uuidOf } from '../random.ts';

export interface Till {
  readonly configId: number;
  readonly paymentMethodId: number;
}

export interface Ticket {
  readonly uuid: string;
  readonly sequence: number;
  readonly lines: readonly {
    readonly uuid: string;
    readonly productId: number;
    readonly quantity: number;
    readonly price: number;
  }[];
  readonly total: number;
}

export interface TicketPlan {
  /** Unique over runs; the uuids are made from it. */
  readonly name: string;
  readonly sequence: number;
  readonly products: readonly { readonly id: number; readonly listPrice: number }[];
}

const MAX_TICKET_LINES = 5;

export function planTicket(random: Random, plan: TicketPlan): Ticket {
  const lines = Array.from({ length: 1 + random.below(MAX_TICKET_LINES) }, (_, index) => {
    const product = plan.products[random.below(plan.products.length)];
    const price = Math.round((product?.listPrice ?? 1) * 100) / 100;
    return { uuid: uuidOf(`${plan.name}/${index}`), productId: product?.id ?? 0, quantity: 1 + random.below(3), price };
  });
  const cents = lines.reduce((sum, line) => sum + Math.round(line.price * line.quantity * 100), 0);
  return { uuid: uuidOf(plan.name), sequence: plan.sequence, lines, total: cents / 100 };
}

const SESSION = 'pos.session';
const FALSE = bool(false);
const ZERO = int(0);
const NO_LOTS = member('pack_lot_ids', list([]));
const NO_TAXES = member('tax_ids', list([replaceWith([])]));
const FIXED_BEFORE = [member('partner_id', FALSE), member('pricelist_id', FALSE), member('fiscal_position_id', FALSE)];
const FIXED_AFTER = [
  member('amount_tax', ZERO),
  member('amount_return', ZERO),
  member('to_invoice', FALSE),
  member('state', text('paid')),
  member('last_order_preparation_change', text('{}')),
];

/** `at`: `YYYY-MM-DD HH:MM:SS`, UTC. The payload stock Odoo 18 took, facts section 3. */
export function encodeTicket(ticket: Ticket, till: Till, sessionId: number, userId: number, at: string): string {
  const paidAt = text(at);
  const total = double(ticket.total);
  const lines = ticket.lines.map((line) => {
    const subtotal = double(Math.round(line.price * line.quantity * 100) / 100);
    return createLine(
      struct([
        member('uuid', text(line.uuid)),
        member('product_id', int(line.productId)),
        member('qty', int(line.quantity)),
        member('price_unit', double(line.price)),
        member('price_subtotal', subtotal),
        member('price_subtotal_incl', subtotal),
        member('discount', ZERO),
        NO_TAXES,
        NO_LOTS,
      ]),
    );
  });
  const payment = createLine(
    struct([member('amount', total), member('name', paidAt), member('payment_method_id', int(till.paymentMethodId))]),
  );
  return struct([
    member('uuid', text(ticket.uuid)),
    member('name', text(`Order ${ticket.uuid.slice(0, 18)}`)),
    member('session_id', int(sessionId)),
    member('user_id', int(userId)),
    ...FIXED_BEFORE,
    member('sequence_number', int(ticket.sequence)),
    member('date_order', paidAt),
    member('amount_total', total),
    member('amount_paid', total),
    ...FIXED_AFTER,
    member('lines', list(lines)),
    member('payment_ids', list([payment])),
  ]);
}

const SESSION_FIELDS = struct([member('fields', texts(['state'])), member('order', text('id')), member('limit', int(1))]);

interface OpenSession {
  readonly id: number;
  readonly state: string;
}

/** `undefined`: no answer. */
function findSession(odoo: OdooSession, till: Till): OpenSession | null | undefined {
  const answer = odoo.call({
    step: 'find-session',
    model: SESSION,
    method: 'search_read',
    // A rescue session takes stray tickets of closed ones; no till works in it.
    args: list([
      list([term('config_id', '=', int(till.configId)), term('state', '!=', text('closed')), term('rescue', '=', FALSE)]),
    ]),
    kwargs: SESSION_FIELDS,
  });
  if (answer.outcome !== 'ok') return undefined;
  const row = decodeRows(answer.body)[0];
  return row === undefined ? null : { id: Number(row.id), state: String(row.state) };
}

/** The till's open session, opened when there is none; `null` when that did not work. */
export function openSession(odoo: OdooSession, till: Till): number | null {
  let session = findSession(odoo, till);
  if (session === null) {
    const opened = odoo.call({ step: 'open', model: 'pos.config', method: 'open_ui', args: list([ints([till.configId])]) });
    // Two batches of one till may open at once: whoever comes second finds the first one's session.
    session = findSession(odoo, till);
    if (session === null && opened.outcome !== 'ok') return null;
  }
  if (session === null || session === undefined) return null;
  if (session.state !== 'opening_control') return session.state === 'opened' ? session.id : null;
  const { id } = session;
  const isOpened = () => findSession(odoo, till)?.state === 'opened';
  const control = odoo.callReturningNone(
    { step: 'opening-control', model: SESSION, method: 'set_opening_control', args: list([ints([id]), ZERO, text('peak')]) },
    isOpened,
  );
  return control.outcome === 'ok' || isOpened() ? id : null;
}

/** Times a batch is sent again after no answer; the same uuids each time, which Odoo recognises. */
const MAX_RESENDS = 2;
const RESEND_AFTER_MS = 1_000;

export interface Batch {
  readonly till: Till;
  readonly tickets: readonly Ticket[];
  readonly userId: number;
  readonly at: string;
}

export function syncBatch(odoo: OdooSession, { till, tickets, userId, at }: Batch): Outcome {
  const keys = tickets.map((ticket) => ticket.uuid).join(' ');
  let outcome: Outcome = 'fail';
  for (let attempt = 0; attempt <= MAX_RESENDS && odoo.leftMs() > 0; attempt += 1) {
    if (attempt > 0) odoo.pause(RESEND_AFTER_MS);
    const sessionId = openSession(odoo, till);
    if (sessionId === null) continue;
    const answer = odoo.call({
      step: attempt === 0 ? 'sync' : 'sync-again',
      model: 'pos.order',
      method: 'sync_from_ui',
      args: list([list(tickets.map((ticket) => encodeTicket(ticket, till, sessionId, userId, at)))]),
      effect: 'create',
      keys,
    });
    if (answer.outcome === 'ok') return 'ok';
    // An earlier attempt that may have happened stays that way, whatever becomes of the later ones.
    outcome = worseOf(outcome, answer.outcome);
  }
  return outcome;
}

const CLOSING_FIELDS = struct([member('fields', texts(['state', 'cash_control', 'cash_register_balance_end']))]);

export function closeTill(odoo: OdooSession, till: Till): Outcome {
  const session = findSession(odoo, till);
  if (session === undefined) return 'fail';
  if (session === null) return 'ok';
  const { id } = session;
  if (session.state === 'opening_control' && openSession(odoo, till) === null) return 'fail';
  const read = odoo.call({
    step: 'count-cash',
    model: SESSION,
    method: 'read',
    args: list([ints([id])]),
    kwargs: CLOSING_FIELDS,
  });
  const row = decodeRows(read.body)[0];
  if (read.outcome !== 'ok' || row === undefined) return 'fail';
  if (row.cash_control === true) {
    const counted = double(Number(row.cash_register_balance_end ?? 0));
    const cash = step('closing-cash', 'post_closing_cash_details', list([ints([id]), counted]));
    const answer = odoo.call(cash);
    if (answer.outcome !== 'ok') return answer.outcome;
    if (!succeeded(answer.body)) return 'fail';
  }
  if (row.state !== 'closing_control') {
    const state = odoo.callReturningNone(
      step('closing-control', 'update_closing_control_state_session', list([ints([id]), text('peak')])),
      () => stateOf(odoo, id) === 'closing_control',
    );
    if (state.outcome !== 'ok') return state.outcome;
  }
  const closed = odoo.call(step('close', 'close_session_from_ui', list([ints([id]), list([])])));
  if (closed.outcome === 'ok') return succeeded(closed.body) ? 'ok' : 'fail';
  return closed.outcome === 'unknown' && stateOf(odoo, id) === 'closed' ? 'ok' : closed.outcome;
}

const step = (name: string, method: string, args: string) => ({ step: name, model: SESSION, method, args });

function stateOf(odoo: OdooSession, id: number): string | null {
  const answer = odoo.call({
    step: 'session-state',
    model: SESSION,
    method: 'read',
    args: list([ints([id])]),
    kwargs: STATE_FIELD,
  });
  const state = decodeRows(answer.body)[0]?.state;
  return typeof state === 'string' ? state : null;
}

const STATE_FIELD = struct([member('fields', texts(['state']))]);

/** A closing that was refused answers 200, no fault, and `successful: false` (facts section 3). */
function succeeded(body: string): boolean {
  const result = decodeResult(body);
  return isRecord(result) && result.successful === true;
}
