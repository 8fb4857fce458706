/** One customer of the shop: look at products and promotional prices, order, confirm, see the goods reserved, perhaps cancel. */
import type { Outcome } from '../../src/model/run-records.ts';
import { type OdooSession, worseOf } from '../odoo/call.ts';
import {
  bool,
  createLine,
  decodeInt,
  decodeRows,
  double,
  int,
  ints,
  list,
  member,
  numberOfRow,
  struct,
  term,
  text,
  texts,
} from '../odoo/xmlrpc.ts';
import type { Random } from '../random.ts';

export interface Visit {
  /** `client_order_ref`. */
  readonly key: string;
  readonly partnerId: number;
  readonly lines: readonly { readonly productId: number; readonly quantity: number }[];
  /** Products of the catalogue page looked at; holds those of the cart. */
  readonly pageIds: readonly number[];
  readonly pricelistId: number | null;
  readonly cancels: boolean;
  /** Gives up an order call after `patienceMs` and asks for the order's fate; orders again only when it surely is not there. */
  readonly impatient: boolean;
  readonly patienceMs: number;
}

export interface VisitPlan {
  readonly key: string;
  readonly products: readonly { readonly id: number }[];
  readonly partners: readonly number[];
  readonly pricelistId: number | null;
  readonly hotProducts: number;
  readonly pickHot: (random: Random) => number;
  readonly maxLines: number;
  readonly cancelRatio: number;
  readonly retryRatio: number;
  readonly patienceMs: number;
}

const PAGE_ROWS = 20;
/** Of the further lines of a cart: share that is a product of the promotion too. */
const HOT_LINE_RATIO = 0.7;

/** The first line is a product of the promotion, by Zipf; half of the carts have more. */
export function planVisit(random: Random, plan: VisitPlan): Visit {
  const hot = Math.min(plan.hotProducts, plan.products.length);
  const idAt = (rank: number): number => plan.products[rank]?.id ?? 0;
  const quantities = new Map<number, number>();
  const lines = random.next() < 0.5 ? 1 : 1 + random.below(plan.maxLines);
  for (let line = 0; line < lines; line += 1) {
    const isHot = line === 0 || hot === plan.products.length || random.next() < HOT_LINE_RATIO;
    const rank = isHot ? plan.pickHot(random) : hot + random.below(plan.products.length - hot);
    quantities.set(idAt(rank), random.next() < 0.8 ? 1 : 2);
  }
  const pageAt = PAGE_ROWS * random.below(Math.max(1, Math.ceil(hot / PAGE_ROWS)));
  const pageIds = new Set(quantities.keys());
  for (let rank = pageAt; pageIds.size < PAGE_ROWS && rank < plan.products.length; rank += 1) pageIds.add(idAt(rank));
  return {
    key: plan.key,
    partnerId: plan.partners[random.below(plan.partners.length)] ?? 0,
    lines: [...quantities].map(([productId, quantity]) => ({ productId, quantity })),
    pageIds: [...pageIds],
    pricelistId: plan.pricelistId,
    cancels: random.next() < plan.cancelRatio,
    impatient: random.next() < plan.retryRatio,
    patienceMs: plan.patienceMs,
  };
}

const ORDER = 'sale.order';
const PAGE_FIELDS = member('fields', texts(['display_name', 'default_code', 'list_price', 'uom_id']));
const STOCK_FIELDS = struct([member('fields', texts(['qty_available', 'free_qty']))]);
const RULES = struct([
  member('fields', texts(['compute_price', 'fixed_price', 'percent_price', 'min_quantity'])),
  member('limit', int(20)),
]);
const ORDER_FIELDS = struct([member('fields', texts(['state', 'picking_ids', 'amount_total'])), member('limit', int(2))]);
/** Without it a confirmed order answers with a wizard and is not cancelled (stock Odoo 18, sale.order `_show_cancel_wizard`). */
const NO_CANCEL_WIZARD = struct([member('context', struct([member('disable_cancel_warning', bool(true))]))]);

export function checkout(odoo: OdooSession, visit: Visit): Outcome {
  const looked = lookAround(odoo, visit);
  if (looked !== 'ok') return looked;
  const order = placeOrder(odoo, visit);
  if (order.outcome !== 'ok') return order.outcome;
  const confirmed = confirmOrder(odoo, visit, order.id);
  if (confirmed !== 'ok') return confirmed;
  const reserved = reserveGoods(odoo, visit, order.id);
  if (!visit.cancels || reserved !== 'ok') return reserved;
  const cancelled = odoo.call({
    step: 'cancel',
    model: ORDER,
    method: 'action_cancel',
    args: list([ints([order.id])]),
    kwargs: NO_CANCEL_WIZARD,
    effect: 'cancel',
    keys: visit.key,
  });
  return worseOf(reserved, cancelled.outcome);
}

function lookAround(odoo: OdooSession, visit: Visit): Outcome {
  const context = visit.pricelistId === null ? [] : [member('context', struct([member('pricelist', int(visit.pricelistId))]))];
  const page = odoo.call({
    step: 'browse',
    model: 'product.product',
    method: 'search_read',
    args: list([list([term('id', 'in', ints(visit.pageIds))])]),
    kwargs: struct([PAGE_FIELDS, member('limit', int(PAGE_ROWS)), ...context]),
  });
  const wanted = visit.lines[0]?.productId ?? 0;
  if (page.outcome !== 'ok') return page.outcome;
  if (numberOfRow(page.body, wanted, 'list_price') === undefined) return 'fail';
  if (visit.pricelistId !== null) {
    const price = odoo.call({
      step: 'promotional-price',
      model: 'product.pricelist.item',
      method: 'search_read',
      args: list([list([term('pricelist_id', '=', int(visit.pricelistId))])]),
      kwargs: RULES,
    });
    if (price.outcome !== 'ok') return price.outcome;
  }
  return odoo.call({
    step: 'availability',
    model: 'product.product',
    method: 'read',
    args: list([ints(visit.lines.map((line) => line.productId))]),
    kwargs: STOCK_FIELDS,
  }).outcome;
}

interface Placed {
  readonly outcome: Outcome;
  readonly id: number;
}

function placeOrder(odoo: OdooSession, visit: Visit): Placed {
  const firstSentLeftMs = odoo.leftMs();
  const first = createOrder(odoo, visit);
  if (first.outcome === 'ok' || !visit.impatient) return first;
  if (first.outcome === 'unknown') {
    // The server goes on with a call whose client hung up (facts section 2), so "not there" is final only once no call of ours
    // can be running any more: before that the customer looks again, and never orders twice.
    while (firstSentLeftMs - odoo.leftMs() < odoo.timeoutMs && odoo.leftMs() > 0) {
      odoo.pause(Math.max(500, visit.patienceMs / 4));
      const found = findOrder(odoo, visit);
      if (found !== null && found.id > 0) return found;
    }
    const last = findOrder(odoo, visit);
    if (last === null) return first;
    if (last.id > 0) return last;
  }
  const again = createOrder(odoo, visit);
  return again.outcome === 'fail' ? { ...again, outcome: first.outcome } : again;
}

function createOrder(odoo: OdooSession, visit: Visit): Placed {
  const pricelist = visit.pricelistId === null ? [] : [member('pricelist_id', int(visit.pricelistId))];
  const lines = visit.lines.map((line) =>
    createLine(struct([member('product_id', int(line.productId)), member('product_uom_qty', double(line.quantity))])),
  );
  const answer = odoo.call({
    step: 'create',
    model: ORDER,
    method: 'create',
    args: list([
      struct([
        member('partner_id', int(visit.partnerId)),
        member('client_order_ref', text(visit.key)),
        ...pricelist,
        member('order_line', list(lines)),
      ]),
    ]),
    effect: 'create',
    keys: visit.key,
    ...patience(visit),
  });
  const id = answer.outcome === 'ok' ? decodeInt(answer.body) : undefined;
  if (answer.outcome === 'ok' && id === undefined) return { outcome: 'unknown', id: 0 };
  return { outcome: answer.outcome, id: id ?? 0 };
}

/** By the shop's own reference. Null: no answer; id 0: not there. */
function findOrder(odoo: OdooSession, visit: Visit): Placed | null {
  const answer = odoo.call({
    step: 'find-order',
    model: ORDER,
    method: 'search_read',
    args: list([list([term('client_order_ref', '=', text(visit.key))])]),
    kwargs: ORDER_FIELDS,
    effect: 'create',
    keys: visit.key,
    shows: (body) => decodeRows(body).length > 0,
    ...patience(visit),
  });
  if (answer.outcome !== 'ok') return null;
  const id = decodeRows(answer.body)[0]?.id;
  return { outcome: 'ok', id: typeof id === 'number' ? id : 0 };
}

function confirmOrder(odoo: OdooSession, visit: Visit, id: number): Outcome {
  const confirmed = odoo.call({
    step: 'confirm',
    model: ORDER,
    method: 'action_confirm',
    args: list([ints([id])]),
    effect: 'confirm',
    keys: visit.key,
    ...patience(visit),
  });
  if (confirmed.outcome !== 'unknown' || !visit.impatient) return confirmed.outcome;
  odoo.pause(Math.max(500, visit.patienceMs / 4));
  return readOrder(odoo, visit, id, 'confirm')?.state === 'sale' ? 'ok' : 'unknown';
}

function reserveGoods(odoo: OdooSession, visit: Visit, id: number): Outcome {
  const order = readOrder(odoo, visit, id);
  if (order === null) return 'fail';
  const pickings = Array.isArray(order.picking_ids) ? order.picking_ids.filter((picking) => typeof picking === 'number') : [];
  // An order of services alone has nothing to reserve.
  if (pickings.length === 0) return 'ok';
  return odoo.call({ step: 'reserve', model: 'stock.picking', method: 'action_assign', args: list([ints(pickings)]) }).outcome;
}

/** `asked` is the write that had no answer; a confirmed order shows that it happened. */
function readOrder(odoo: OdooSession, visit: Visit, id: number, asked?: 'confirm'): ReturnType<typeof decodeRows>[number] | null {
  const answer = odoo.call({
    step: 'status',
    model: ORDER,
    method: 'search_read',
    args: list([list([term('client_order_ref', '=', text(visit.key)), term('id', '=', int(id))])]),
    kwargs: ORDER_FIELDS,
    ...(asked === undefined ? {} : { effect: asked, keys: visit.key, shows: (body) => decodeRows(body)[0]?.state === 'sale' }),
  });
  return answer.outcome === 'ok' ? (decodeRows(answer.body)[0] ?? null) : null;
}

const patience = (visit: Visit) => (visit.impatient ? { timeoutMs: visit.patienceMs } : {});
