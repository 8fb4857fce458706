/** A till that was offline: opens its session, sends its backlog in batches, and closes. */
import type { Outcome } from '../../src/model/run-records.ts';
import { type OdooSession, worseOf } from '../odoo/call.ts';
import {
  bool,
  CLOSE_LISTS,
  createLine,
  decodeResult,
  decodeRows,
  double,
  int,
  ints,
  isRecord,
  list,
  member,
  OPEN_LISTS,
  replaceWith,
  struct,
  term,
  text,
  texts,
} from '../odoo/xmlrpc.ts';
import { hex2, type Random } from '../random.ts';

export interface Till {
  readonly configId: number;
  readonly paymentMethodId: number;
}

const SESSION = 'pos.session';
const FALSE = bool(false);
const ZERO = int(0);

/**
 * The unchanging part of a ticket, as stock Odoo 18 took it (odoo-behaviour.md section 3), encoded once: a till's backlog is
 * thousands of tickets, and putting one together value by value costs k6 ten times what sending it does.
 */
export interface TicketTemplate {
  readonly total: number;
  /** Everything up to the payment's changing fields, cut where a uuid's stem belongs: `MAX_TICKET_LINES` + 1 parts, '' where no line is. */
  readonly parts: readonly string[];
  readonly payment: string;
}

const MAX_TICKET_LINES = 4;
const STEM = '@STEM@';

export function ticketTemplate(
  random: Random,
  products: readonly { readonly id: number; readonly listPrice: number }[],
  userId: number,
): TicketTemplate {
  let cents = 0;
  const lines = Array.from({ length: 1 + random.below(MAX_TICKET_LINES) }, (_, index) => {
    const product = products[random.below(products.length)];
    const price = Math.round((product?.listPrice ?? 1) * 100);
    const quantity = 1 + random.below(3);
    cents += price * quantity;
    const subtotal = double((price * quantity) / 100);
    return createLine(
      struct([
        member('uuid', text(`${STEM}${hex2(index + 1)}`)),
        member('product_id', int(product?.id ?? 0)),
        member('qty', int(quantity)),
        member('price_unit', double(price / 100)),
        member('price_subtotal', subtotal),
        member('price_subtotal_incl', subtotal),
        member('discount', ZERO),
        member('tax_ids', list([replaceWith([])])),
        member('pack_lot_ids', list([])),
      ]),
    );
  });
  const total = double(cents / 100);
  const fixed = [
    member('user_id', int(userId)),
    member('partner_id', FALSE),
    member('pricelist_id', FALSE),
    member('fiscal_position_id', FALSE),
    member('amount_total', total),
    member('amount_tax', ZERO),
    member('amount_paid', total),
    member('amount_return', ZERO),
    member('to_invoice', FALSE),
    member('state', text('paid')),
    member('last_order_preparation_change', text('{}')),
  ].join('');
  const [first = '', ...others] = lines.join('').split(STEM);
  const missing = MAX_TICKET_LINES - others.length;
  return {
    total: cents / 100,
    parts: [
      `${fixed}<member><name>lines</name><value><array><data>${first}`,
      ...others,
      ...Array.from({ length: missing }, () => ''),
    ],
    payment: `</data></array></value></member><member><name>payment_ids</name><value><array><data><value><array><data>${ZERO}${ZERO}<value><struct>${member('amount', total)}`,
  };
}

export interface Ticket {
  readonly template: TicketTemplate;
  /** 34 characters of its uuids: the order's ends in 00, the lines' in 01, 02 ... */
  readonly stem: string;
  readonly sequence: number;
}

export const ticketUuid = (ticket: Ticket): string => `${ticket.stem}00`;

/** Parts of the argument of `sync_from_ui`. `at`: `YYYY-MM-DD HH:MM:SS`, UTC. */
export function encodeTickets(tickets: readonly Ticket[], till: Till, sessionId: number, at: string): readonly string[] {
  const shift = `</string></value></member><member><name>session_id</name><value><int>${sessionId}</int></value></member><member><name>date_order</name><value><string>${at}</string></value></member><member><name>sequence_number</name><value><int>`;
  const paid = `<member><name>name</name><value><string>${at}</string></value></member><member><name>payment_method_id</name><value><int>${till.paymentMethodId}</int></value></member></struct></value></data></array></value></data></array></value></member></struct></value>`;
  const encoded: string[] = [OPEN_LISTS];
  // One concatenation for a whole ticket is what makes it cheap, and a loop without an iterator.
  for (let index = 0; index < tickets.length; index += 1) {
    const ticket = tickets[index];
    if (ticket === undefined) continue;
    const { stem, sequence } = ticket;
    const { parts, payment } = ticket.template;
    const stem2 = parts[2] && stem;
    const stem3 = parts[3] && stem;
    const stem4 = parts[4] && stem;
    encoded.push(
      `<value><struct><member><name>uuid</name><value><string>${stem}00</string></value></member><member><name>name</name><value><string>Order ${stem}${shift}${sequence}</int></value></member>${parts[0]}${stem}${parts[1]}${stem2}${parts[2]}${stem3}${parts[3]}${stem4}${parts[4]}${payment}${paid}`,
    );
  }
  encoded.push(CLOSE_LISTS);
  return encoded;
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
  /** `YYYY-MM-DD HH:MM:SS`, UTC. */
  readonly at: string;
}

export function syncBatch(odoo: OdooSession, { till, tickets, at }: Batch): Outcome {
  const keys = tickets.map(ticketUuid).join(' ');
  let outcome: Outcome = 'fail';
  for (let attempt = 0; attempt <= MAX_RESENDS && odoo.leftMs() > 0; attempt += 1) {
    if (attempt > 0) odoo.pause(RESEND_AFTER_MS);
    const sessionId = openSession(odoo, till);
    if (sessionId === null) continue;
    const answer = odoo.call({
      step: attempt === 0 ? 'sync' : 'sync-again',
      model: 'pos.order',
      method: 'sync_from_ui',
      args: encodeTickets(tickets, till, sessionId, at),
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

/** A closing that was refused answers 200, no fault, and `successful: false` (odoo-behaviour.md section 3). */
function succeeded(body: string): boolean {
  const result = decodeResult(body);
  return isRecord(result) && result.successful === true;
}
