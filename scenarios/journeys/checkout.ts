/** One customer of the shop: look at products and promotional prices, order, confirm, see the goods reserved, perhaps cancel. */
import type { Outcome } from '../../src/model/run-records.ts';
import { type OdooSession, worseOf } from '../odoo/call.ts';
import {
  bool,
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
  /** Encoded domain of the catalogue page that shows the first product of the cart. */
  readonly page: string;
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
  readonly pages: CataloguePages;
  readonly maxLines: number;
  readonly cancelRatio: number;
  readonly retryRatio: number;
  readonly patienceMs: number;
}

const PAGE_ROWS = 20;
/** Of the further lines of a cart: share that is a product of the promotion too. */
const HOT_LINE_RATIO = 0.7;

/** Pages of the catalogue in order of popularity, each encoded when it is first looked at. */
export interface CataloguePages {
  showing(rank: number): string;
}

export function cataloguePages(products: readonly { readonly id: number }[]): CataloguePages {
  const pages: Record<number, string> = {};
  return {
    showing(rank) {
      const first = rank - (rank % PAGE_ROWS);
      pages[first] ??= list([list([term('id', 'in', ints(products.slice(first, first + PAGE_ROWS).map(({ id }) => id)))])]);
      return pages[first];
    },
  };
}

/** The first line is a product of the promotion, by Zipf; half of the carts have more. */
export function planVisit(random: Random, plan: VisitPlan): Visit {
  const { products, partners, pickHot } = plan;
  const hot = Math.min(plan.hotProducts, products.length);
  const firstRank = pickHot(random);
  const lines = [{ productId: products[firstRank]?.id ?? 0, quantity: random.next() < 0.8 ? 1 : 2 }];
  const wanted = random.next() < 0.5 ? 1 : 1 + random.below(plan.maxLines);
  while (lines.length < wanted) {
    const isHot = hot === products.length || random.next() < HOT_LINE_RATIO;
    const rank = isHot ? pickHot(random) : hot + random.below(products.length - hot);
    lines.push({ productId: products[rank]?.id ?? 0, quantity: 1 });
  }
  return {
    key: plan.key,
    partnerId: partners[random.below(partners.length)] ?? 0,
    lines,
    page: plan.pages.showing(firstRank),
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

const encoded: Record<string, string> = {};

/** The promotion's price list goes along as context, as a shop's own page does it. */
function pageKwargs(pricelistId: number | null): string {
  encoded[`page ${pricelistId}`] ??= struct([
    PAGE_FIELDS,
    member('limit', int(PAGE_ROWS)),
    ...(pricelistId === null ? [] : [member('context', struct([member('pricelist', int(pricelistId))]))]),
  ]);
  return encoded[`page ${pricelistId}`] ?? '';
}

function rulesOf(pricelistId: number): string {
  encoded[`rules ${pricelistId}`] ??= list([list([term('pricelist_id', '=', int(pricelistId))])]);
  return encoded[`rules ${pricelistId}`] ?? '';
}

function lookAround(odoo: OdooSession, visit: Visit): Outcome {
  const page = odoo.call({
    step: 'browse',
    model: 'product.product',
    method: 'search_read',
    args: visit.page,
    kwargs: pageKwargs(visit.pricelistId),
  });
  const wanted = visit.lines[0]?.productId ?? 0;
  if (page.outcome !== 'ok') return page.outcome;
  if (numberOfRow(page.body, wanted, 'list_price') === undefined) return 'fail';
  if (visit.pricelistId !== null) {
    const price = odoo.call({
      step: 'promotional-price',
      model: 'product.pricelist.item',
      method: 'search_read',
      args: rulesOf(visit.pricelistId),
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

export interface Placed {
  readonly outcome: Outcome;
  readonly id: number;
}

function placeOrder(odoo: OdooSession, visit: Visit): Placed {
  const firstSentLeftMs = odoo.leftMs();
  const first = createOrder(odoo, visit);
  if (first.outcome === 'ok' || !visit.impatient) return first;
  if (first.outcome === 'unknown') {
    // The server goes on with a call whose client hung up (odoo-behaviour.md section 2), so "not there" is final only once no
    // call of ours can be running any more: before that the customer looks again, and never orders twice.
    while (firstSentLeftMs - odoo.leftMs() < odoo.timeoutMs() && odoo.leftMs() > 0) {
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

/** `x2many` command of one order line. */
const orderLine = (productId: number, quantity: number): string =>
  `<value><array><data>${LINE_BEFORE}${productId}${LINE_BETWEEN}${quantity}${LINE_AFTER}</data></array></value>`;

// One concatenation a line instead of nine calls: carts are made for every customer.
const [LINE_BEFORE = '', LINE_BETWEEN = '', LINE_AFTER = ''] =
  `${int(0)}${int(0)}${struct([member('product_id', int(111)), member('product_uom_qty', double(222))])}`.split(/111|222/);

export function createOrder(odoo: OdooSession, visit: Visit): Placed {
  const pricelist = visit.pricelistId === null ? '' : member('pricelist_id', int(visit.pricelistId));
  let lines = '';
  for (const line of visit.lines) lines += orderLine(line.productId, line.quantity);
  const answer = odoo.call({
    step: 'create',
    model: ORDER,
    method: 'create',
    args: `<value><array><data><value><struct>${member('partner_id', int(visit.partnerId))}${member('client_order_ref', text(visit.key))}${pricelist}<member><name>order_line</name><value><array><data>${lines}</data></array></value></member></struct></value></data></array></value>`,
    effect: 'create',
    keys: visit.key,
    timeoutMs: visit.impatient ? visit.patienceMs : odoo.timeoutMs(),
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
