/** The journeys against a session that answers from a script: what they call, in what order, and how they end. */
import { describe, expect, test } from 'vitest';
import { cataloguePages, checkout, planVisit, type Visit } from '../../../scenarios/journeys/checkout.ts';
import { closeBatch, closedMonthEnd, lockPeriod, planBatch } from '../../../scenarios/journeys/close-period.ts';
import { invoiceOrders } from '../../../scenarios/journeys/invoice-orders.ts';
import {
  closeTill,
  encodeTickets,
  openSession,
  syncBatch,
  ticketTemplate,
  ticketUuid,
} from '../../../scenarios/journeys/pos-shift.ts';
import { readReport, trialBalance } from '../../../scenarios/journeys/read-reports.ts';
import type { Answer, Call, OdooSession } from '../../../scenarios/odoo/call.ts';
import { NONE_FAULT } from '../../../scenarios/odoo/outcome.ts';
import { callBody, decodeResult, decodeRows } from '../../../scenarios/odoo/xmlrpc.ts';
import { randomAt, zipf } from '../../../scenarios/random.ts';
import type { Outcome } from '../../../src/model/run-records.ts';
import { answerXml } from '../../integration/load-stub-odoo.ts';

type Value = Parameters<typeof answerXml>[0];
type Scripted = Value | { readonly outcome: Outcome; readonly fault?: string };

const failing = (outcome: Outcome, fault = 'x') => ({ outcome, fault });

/** Answers by step; a list is taken one by one, its last for ever after. Time passes by pauses and by 10 ms a call. */
function aSession(script: Readonly<Record<string, Scripted | readonly Scripted[]>>, list: readonly string[] = []) {
  const calls: Call[] = [];
  const seen: Record<string, number> = {};
  let nowMs = 0;
  const answer = (call: Call): Answer => {
    calls.push(call);
    nowMs += 10;
    const given = script[call.step];
    const turns = list.includes(call.step) ? (given as readonly Scripted[]) : [given as Scripted];
    const turn = seen[call.step] ?? 0;
    seen[call.step] = turn + 1;
    const value = turns[Math.min(turn, turns.length - 1)];
    if (value === undefined) throw new Error(`no answer for step ${call.step}`);
    if (typeof value === 'object' && value !== null && 'outcome' in value)
      return { outcome: value.outcome as Outcome, fault: String(value.fault ?? ''), body: '' };
    return { outcome: 'ok', fault: '', body: answerXml(value as Value) };
  };
  const odoo: OdooSession = {
    timeoutMs: () => 2_000,
    leftMs: () => 14_000 - nowMs,
    pause(ms) {
      nowMs += ms;
    },
    call: answer,
    callReturningNone(call, readBack) {
      const given = answer(call);
      return given.fault === NONE_FAULT && readBack() ? { ...given, outcome: 'ok' } : given;
    },
  };
  return { odoo, calls, steps: () => calls.map((call) => call.step) };
}

const argsOf = (call: Call | undefined): Value => {
  const xml = callBody('<methodResponse><params><param>', call?.args ?? '', '');
  return decodeResult(`${xml}</methodResponse>`) as Value;
};

const products = Array.from({ length: 60 }, (_, n) => ({ id: 100 + n, listPrice: 2.5 + n }));

describe('a visit', () => {
  const plan = {
    key: 'PP-r-1',
    products,
    partners: [1, 2],
    pricelistId: 2,
    hotProducts: 10,
    pickHot: zipf(10, 1.1),
    pages: cataloguePages(products),
    maxLines: 4,
    cancelRatio: 0.5,
    retryRatio: 0.5,
    patienceMs: 800,
  };

  test('always has a product of the promotion first, and shows the page it is on', () => {
    for (let n = 0; n < 300; n += 1) {
      const visit = planVisit(randomAt(1, n), plan);
      const first = visit.lines[0]?.productId ?? 0;
      expect(first).toBeLessThan(110);
      expect(visit.page).toContain(`<int>${first}</int>`);
      expect(visit.lines.length).toBeLessThanOrEqual(4);
    }
  });

  test('works when every product is hot', () => {
    const all = { ...plan, products: products.slice(0, 3), pages: cataloguePages(products.slice(0, 3)), pickHot: zipf(3, 1) };
    expect(planVisit(randomAt(1, 1), all).lines.every((line) => line.productId < 103)).toBe(true);
  });
});

const aVisit = (changes: Partial<Visit> = {}): Visit => ({
  key: 'PP-r-1',
  partnerId: 9,
  lines: [{ productId: 100, quantity: 2 }],
  page: cataloguePages(products).showing(0),
  pricelistId: 2,
  cancels: false,
  impatient: false,
  patienceMs: 800,
  ...changes,
});

const shop = {
  browse: [{ id: 100, list_price: 2.5 }],
  'promotional-price': [{ id: 1 }],
  availability: [{ id: 100, free_qty: 3 }],
  create: 77,
  confirm: true,
  status: [{ id: 77, state: 'sale', picking_ids: [5, 6] }],
  reserve: true,
  cancel: true,
};

describe('a checkout', () => {
  test('looks, orders, confirms, sees its goods reserved; a cancellation carries the context that makes it one', () => {
    const { odoo, steps, calls } = aSession(shop);
    expect(checkout(odoo, aVisit({ cancels: true }))).toBe('ok');
    expect(steps()).toEqual(['browse', 'promotional-price', 'availability', 'create', 'confirm', 'status', 'reserve', 'cancel']);
    expect(argsOf(calls[3])).toEqual([
      {
        partner_id: 9,
        client_order_ref: 'PP-r-1',
        pricelist_id: 2,
        order_line: [[0, 0, { product_id: 100, product_uom_qty: 2 }]],
      },
    ]);
    expect(argsOf(calls[6])).toEqual([[5, 6]]);
    expect(calls[7]?.kwargs).toContain('disable_cancel_warning');
    expect(calls.filter((call) => call.effect !== undefined).map((call) => `${call.effect} ${call.keys}`)).toEqual([
      'create PP-r-1',
      'confirm PP-r-1',
      'cancel PP-r-1',
    ]);
  });

  test('without a price list asks for none, and services need no reservation', () => {
    const { odoo, steps } = aSession({ ...shop, status: [{ id: 77, state: 'sale', picking_ids: [] }] });
    expect(checkout(odoo, aVisit({ pricelistId: null }))).toBe('ok');
    expect(steps()).toEqual(['browse', 'availability', 'create', 'confirm', 'status']);
  });

  test.each(['browse', 'promotional-price', 'availability', 'create', 'confirm', 'status', 'reserve'])(
    'ends where %s fails',
    (step) => {
      const { odoo, steps } = aSession({ ...shop, [step]: failing('fail') });
      expect(checkout(odoo, aVisit())).toBe('fail');
      expect(steps().at(-1)).toBe(step);
    },
  );

  test('a patient customer takes no answer as it is', () => {
    const { odoo, steps } = aSession({ ...shop, create: failing('unknown') });
    expect(checkout(odoo, aVisit())).toBe('unknown');
    expect(steps().at(-1)).toBe('create');
  });

  test('an impatient one goes on with the order that is found', () => {
    const { odoo, steps } = aSession({ ...shop, create: failing('unknown'), 'find-order': [[], [{ id: 77, state: 'draft' }]] }, [
      'find-order',
    ]);
    expect(checkout(odoo, aVisit({ impatient: true }))).toBe('ok');
    expect(steps().filter((step) => step === 'create')).toHaveLength(1);
  });

  test('an impatient one orders again only when no earlier call can be running any more and it is not there', () => {
    const script = { ...shop, create: [failing('unknown'), 78], 'find-order': [] };
    const { odoo, calls } = aSession(script, ['create']);
    expect(checkout(odoo, aVisit({ impatient: true }))).toBe('ok');
    const between = calls.filter((call) => call.step === 'find-order').length;
    expect(between).toBeGreaterThanOrEqual(4);
    expect(calls.filter((call) => call.step === 'create').every((call) => call.timeoutMs === 800)).toBe(true);
  });

  test('an impatient one who gets no answer to anything never orders twice', () => {
    const { odoo, steps } = aSession({ ...shop, create: failing('unknown'), 'find-order': failing('unknown') });
    expect(checkout(odoo, aVisit({ impatient: true }))).toBe('unknown');
    expect(steps().filter((step) => step === 'create')).toHaveLength(1);
  });

  test('a look-up counts as the write only when it shows it', () => {
    const { odoo, calls } = aSession({ ...shop, create: failing('unknown'), 'find-order': [{ id: 77 }] });
    checkout(odoo, aVisit({ impatient: true }));
    const find = calls.find((call) => call.step === 'find-order');
    expect(find).toMatchObject({ effect: 'create', keys: 'PP-r-1' });
    expect([find?.shows?.(answerXml([])), find?.shows?.(answerXml([{ id: 77 }]))]).toEqual([false, true]);
  });
});

const till = { configId: 31, paymentMethodId: 41 };
const ticket = { template: ticketTemplate(randomAt(1, 4), products, 2), stem: '01234567-89ab-4def-a123-4567000100', sequence: 3 };

describe('a ticket', () => {
  test('balances, and has the fields that stock Odoo 18 took', () => {
    for (let n = 0; n < 50; n += 1) {
      const template = ticketTemplate(randomAt(2, n), products, 2);
      const xml = callBody(
        '<methodResponse><params><param>',
        encodeTickets([{ ...ticket, template }], till, 6, '2026-11-22 03:00:00'),
        '',
      );
      const [[order]] = decodeResult(`${xml}</methodResponse>`) as [[Record<string, Value>]];
      const lines = (order.lines as [number, number, Record<string, number | string>][]).map((command) => command[2]);
      const total = lines.reduce((sum, line) => sum + Number(line.price_subtotal_incl), 0);
      expect(Math.abs(total - Number(order.amount_total))).toBeLessThan(0.005);
      expect(order).toMatchObject({
        uuid: ticketUuid(ticket),
        session_id: 6,
        user_id: 2,
        partner_id: false,
        amount_tax: 0,
        amount_paid: order.amount_total,
        state: 'paid',
        sequence_number: 3,
        date_order: '2026-11-22 03:00:00',
        payment_ids: [[0, 0, { amount: order.amount_total, payment_method_id: 41, name: '2026-11-22 03:00:00' }]],
      });
      expect(new Set([order.uuid, ...lines.map((line) => line.uuid)]).size).toBe(lines.length + 1);
      expect(lines.every((line) => String(line.uuid).length === 36)).toBe(true);
    }
  });
});

describe('a till', () => {
  test('opens a session where there is none, and reads back what set_opening_control did', () => {
    const { odoo, steps } = aSession(
      {
        'find-session': [[], [{ id: 6, state: 'opening_control' }], [{ id: 6, state: 'opened' }]],
        open: { type: 'ir.actions.act_url' },
        'opening-control': failing('unknown', NONE_FAULT),
      },
      ['find-session'],
    );
    expect(openSession(odoo, till)).toBe(6);
    expect(steps()).toEqual(['find-session', 'open', 'find-session', 'opening-control', 'find-session']);
  });

  test('sends the same tickets again after no answer, and stays unknown when nothing ever comes', () => {
    const open = { 'find-session': [{ id: 6, state: 'opened' }] };
    const again = aSession({ ...open, sync: failing('unknown'), 'sync-again': true });
    expect(syncBatch(again.odoo, { till, tickets: [ticket], at: 'x' })).toBe('ok');
    const keys = again.calls.filter((call) => call.effect === 'create').map((call) => call.keys);
    expect(keys).toEqual([ticketUuid(ticket), ticketUuid(ticket)]);
    const never = aSession({ ...open, sync: failing('unknown'), 'sync-again': failing('fail') });
    expect(syncBatch(never.odoo, { till, tickets: [ticket], at: 'x' })).toBe('unknown');
  });

  const closing = {
    'find-session': [{ id: 6, state: 'opened' }],
    'count-cash': [{ id: 6, state: 'opened', cash_control: true, cash_register_balance_end: 12.5 }],
    'closing-cash': { successful: true },
    'closing-control': failing('unknown', NONE_FAULT),
    'session-state': [{ id: 6, state: 'closing_control' }],
    close: { successful: true },
  };

  test('closes with the cash that should be there', () => {
    const { odoo, calls, steps } = aSession(closing);
    expect(closeTill(odoo, till)).toBe('ok');
    expect(steps()).toEqual(['find-session', 'count-cash', 'closing-cash', 'closing-control', 'session-state', 'close']);
    expect(argsOf(calls[2])).toEqual([[6], 12.5]);
  });

  test('takes `successful: false` for a failure, although it is no fault', () => {
    expect(closeTill(aSession({ ...closing, close: { successful: false, message: 'no' } }).odoo, till)).toBe('fail');
  });

  test('without cash control counts nothing, and without a session has nothing to close', () => {
    const { odoo, steps } = aSession({ ...closing, 'count-cash': [{ id: 6, state: 'closing_control', cash_control: false }] });
    expect(closeTill(odoo, till)).toBe('ok');
    expect(steps()).toEqual(['find-session', 'count-cash', 'close']);
    expect(closeTill(aSession({ 'find-session': [] }).odoo, till)).toBe('ok');
  });
});

const books = { companyId: 1, journalId: 2, receivableId: 21, revenueId: 22, expenseId: 23 };

describe('a batch of entries', () => {
  const batch = planBatch(randomAt(1, 1), { name: 'PP-r-m-0', entriesPerBatch: 5, reversalRatio: 0.2, partners: [1, 2] });

  test('balances entry by entry, pairs claims with settlements, and reverses the last', () => {
    expect(batch.entries.map((entry) => entry.side)).toEqual(['claim', 'settlement', 'claim', 'settlement', 'claim']);
    expect(batch.entries[0]).toMatchObject({ cents: batch.entries[1]?.cents, partnerId: batch.entries[1]?.partnerId });
    expect(batch.reversed).toBe(1);
    expect(new Set(batch.entries.map((entry) => entry.key)).size).toBe(5);
  });

  const ids = [1, 2, 3, 4, 5];
  const bookkeeping = {
    create: ids,
    post: false,
    reversal: 9,
    reverse: { type: 'x' },
    'open-lines': [{ id: 11 }, { id: 12 }],
    reconcile: failing('unknown', NONE_FAULT),
    'check-reconciled': 0,
  };

  test('is created, posted, reversed in part, and the rest reconciled and read back', () => {
    const { odoo, calls, steps } = aSession(bookkeeping);
    expect(closeBatch(odoo, batch, books, '2026-11-22')).toBe('ok');
    expect(steps()).toEqual(['create', 'post', 'reversal', 'reverse', 'open-lines', 'reconcile', 'check-reconciled']);
    const [entries] = argsOf(calls[0]) as [{ line_ids: [number, number, { debit: number; credit: number }][] }[]];
    for (const { line_ids: lines } of entries) {
      expect(lines.reduce((sum, [, , line]) => sum + Math.round(line.debit * 100) - Math.round(line.credit * 100), 0)).toBe(0);
    }
    expect(calls[3]).toMatchObject({ effect: 'reverse', keys: 'PP-r-m-0-4' });
    expect(argsOf(calls[4])).toEqual([
      [
        ['move_id', 'in', [1, 2, 3, 4]],
        ['account_id', '=', 21],
        ['reconciled', '=', false],
      ],
    ]);
  });

  test('that stays open after its reconciliation is unknown', () => {
    expect(closeBatch(aSession({ ...bookkeeping, 'check-reconciled': 2 }).odoo, batch, books, 'd')).toBe('unknown');
  });

  test('found in part only after no answer is not gone on with', () => {
    const { odoo, steps } = aSession({
      ...bookkeeping,
      create: failing('unknown'),
      'find-entries': [{ id: 1, ref: 'PP-r-m-0-0' }],
    });
    expect(closeBatch(odoo, batch, books, 'd')).toBe('unknown');
    expect(steps()).toEqual(['create', 'find-entries']);
  });

  test('has fractions of reversals by chance, never more than it has entries', () => {
    const counts = Array.from(
      { length: 400 },
      (_, n) => planBatch(randomAt(3, n), { name: 'x', entriesPerBatch: 3, reversalRatio: 0.5, partners: [1] }).reversed,
    );
    expect(new Set(counts)).toEqual(new Set([1, 2]));
    expect(planBatch(randomAt(3, 1), { name: 'x', entriesPerBatch: 3, reversalRatio: 1, partners: [1] }).reversed).toBe(3);
  });
});

describe('a billing run', () => {
  const run = { keys: ['PP-r-s-1', 'PP-r-s-9', 'PP-r-s-17'], maxOrders: 2 };
  const orders = [
    { id: 71, client_order_ref: 'PP-r-s-1', partner_invoice_id: [5, 'A'] },
    { id: 72, client_order_ref: 'PP-r-s-9', partner_invoice_id: [5, 'A'] },
    { id: 73, client_order_ref: 'PP-r-s-17', partner_invoice_id: [6, 'B'] },
  ];
  const invoices = [
    { id: 91, ref: 'PP-r-s-1' },
    { id: 92, ref: 'PP-r-s-17' },
  ];
  const billing = {
    'find-orders': orders,
    'invoice-wizard': 8,
    invoice: failing('unknown', NONE_FAULT),
    'find-invoices': invoices,
    'post-invoices': false,
  };

  test('invoices one order a customer by the wizard, reads back that it happened, and posts', () => {
    const { odoo, calls, steps } = aSession(billing);
    expect(invoiceOrders(odoo, run)).toBe('ok');
    expect(steps()).toEqual(['find-orders', 'invoice-wizard', 'invoice', 'find-invoices', 'post-invoices']);
    expect(argsOf(calls[1])).toEqual([{ advance_payment_method: 'delivered', sale_order_ids: [[6, 0, [71, 73]]] }]);
    expect(calls[2]).toMatchObject({ effect: 'create', keys: 'PP-r-s-1 PP-r-s-17' });
    expect(argsOf(calls[4])).toEqual([[91, 92]]);
    expect(calls[4]).toMatchObject({ effect: 'post', keys: 'PP-r-s-1 PP-r-s-17' });
  });

  test('never invoices again after no answer: it posts what it finds, and what is missing stays unknown', () => {
    const { odoo, calls, steps } = aSession({
      ...billing,
      invoice: failing('unknown', 'timeout'),
      'find-invoices': invoices.slice(1),
    });
    expect(invoiceOrders(odoo, run)).toBe('unknown');
    expect(steps().filter((step) => step === 'invoice')).toHaveLength(1);
    expect(calls.at(-1)).toMatchObject({ step: 'post-invoices', keys: 'PP-r-s-17' });
    const nothing = aSession({ ...billing, invoice: failing('unknown', 'timeout'), 'find-invoices': [] });
    expect(invoiceOrders(nothing.odoo, run)).toBe('unknown');
    expect(nothing.steps().at(-1)).toBe('find-invoices');
  });

  test('a look-up counts as the creation only when every invoice is there, two of one order being one', () => {
    const { odoo, calls } = aSession(billing);
    invoiceOrders(odoo, run);
    const look = calls.find((call) => call.step === 'find-invoices');
    expect(look).toMatchObject({ effect: 'create', keys: 'PP-r-s-1 PP-r-s-17' });
    const twice = [invoices[0] ?? {}, { ...invoices[0], id: 93 }];
    expect([look?.shows?.(answerXml(invoices)), look?.shows?.(answerXml(twice))]).toEqual([true, false]);
  });

  test.each(['find-orders', 'invoice-wizard', 'invoice', 'post-invoices'])('ends where %s fails', (step) => {
    const { odoo, steps } = aSession({ ...billing, [step]: failing('fail') });
    expect(invoiceOrders(odoo, run)).toBe('fail');
    expect(steps().at(-1)).toBe(step);
  });

  test('has nothing to do without orders to invoice', () => {
    expect(invoiceOrders(aSession({ 'find-orders': [] }).odoo, run)).toBe('ok');
    expect(invoiceOrders(aSession({}).odoo, { ...run, keys: [] })).toBe('ok');
  });
});

describe('a period', () => {
  const company = (date: Value) => [{ id: 1, fiscalyear_lock_date: date }];

  test('is locked, read, and opened again as it was', () => {
    const { odoo, calls, steps } = aSession({ 'read-lock': company('2026-06-30'), lock: true, unlock: true });
    expect(lockPeriod(odoo, 1, '2026-09-30', () => 'ok')).toBe('ok');
    expect(steps()).toEqual(['read-lock', 'lock', 'unlock']);
    expect(argsOf(calls[2])).toEqual([[1], { fiscalyear_lock_date: '2026-06-30' }]);
  });

  test('that nobody had locked is unlocked with False', () => {
    const { odoo, calls } = aSession({ 'read-lock': company(false), lock: failing('unknown'), unlock: true });
    expect(lockPeriod(odoo, 1, '2026-09-30', () => 'ok')).toBe('unknown');
    expect(argsOf(calls[2])).toEqual([[1], { fiscalyear_lock_date: false }]);
  });

  test('locked later than ours stays as it is', () => {
    const { odoo, steps } = aSession({ 'read-lock': company('2026-10-31') });
    expect(lockPeriod(odoo, 1, '2026-09-30', () => 'ok')).toBe('ok');
    expect(steps()).toEqual(['read-lock']);
  });

  test('ends with the month before the last', () => {
    expect([closedMonthEnd('2026-11-22'), closedMonthEnd('2026-01-31'), closedMonthEnd('2028-04-01')]).toEqual([
      '2026-09-30',
      '2025-11-30',
      '2028-02-29',
    ]);
  });
});

describe('reports', () => {
  test('a trial balance that does not balance fails', () => {
    const groups = (balance: number): Value => [{ balance: 10.1 }, { balance }];
    expect(trialBalance(aSession({ 'trial-balance': groups(-10.1) }).odoo, books)).toBe('ok');
    expect(trialBalance(aSession({ 'trial-balance': groups(-10) }).odoo, books)).toBe('fail');
  });

  test('come by turns', () => {
    const { odoo, steps } = aSession({ 'trial-balance': [], 'aged-receivables': [], 'journal-totals': [] });
    for (const turn of [0, 1, 2, 3]) readReport(odoo, books, turn);
    expect(steps()).toEqual(['trial-balance', 'aged-receivables', 'journal-totals', 'trial-balance']);
    expect(decodeRows(answerXml([{ id: 1 }]))).toHaveLength(1);
  });
});
