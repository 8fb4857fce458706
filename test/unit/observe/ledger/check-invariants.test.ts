import { beforeEach, describe, expect, it } from 'vitest';
import type { InvariantName } from '../../../../src/model/plan.ts';
import type { LedgerGap, LedgerInvariant, LedgerWrite } from '../../../../src/model/run-records.ts';
import { checkInvariants, type InvariantOptions } from '../../../../src/observe/ledger/check-invariants.ts';
import { aCatalogue } from '../../../builders/a-catalogue.ts';
import { createFakeClock, type FakeClock } from '../../../fakes/fake-clock.ts';
import { FakeOdoo, refused } from '../../../fakes/fake-odoo.ts';

let odoo: FakeOdoo;
let clock: FakeClock;

beforeEach(() => {
  odoo = new FakeOdoo();
  clock = createFakeClock();
});

async function check(name: InvariantName, changes: Partial<InvariantOptions> = {}): Promise<LedgerInvariant | LedgerGap> {
  const rows: (LedgerInvariant | LedgerGap)[] = [];
  for await (const row of checkInvariants(odoo, { catalogue: aCatalogue(), runId: 'r1', clock, ...changes })) rows.push(row);
  const found = rows.find((row) => (row.row === 'invariant' ? row.invariant === name : row.what === `invariant ${name}`));
  if (found === undefined || rows.length !== 4) throw new Error(`expected four rows with ${name}`);
  return found;
}

const ticket = (key: string): LedgerWrite => ({
  row: 'write',
  key,
  service: 'pos',
  model: 'pos.order',
  effect: 'create',
  origin: 'load',
  outcome: 'ok',
  sentAt: 1,
  answeredAt: 2,
});

describe('stock-moves-match-quants', () => {
  const quant = (product_id: number, quantity: number, reserved_quantity = 0, location_id = 8): number =>
    odoo.insert('stock.quant', { product_id, location_id, quantity, reserved_quantity });
  const move = (product_id: number, quantity: number, state: string, from = 8, to = 9): number =>
    odoo.insert('stock.move', { product_id, quantity, state, location_id: from, location_dest_id: to });

  beforeEach(() => {
    for (const id of [11, 12, 13]) move(id, 100, 'done', 5, 8);
    quant(11, 93, 4);
    move(11, 7, 'done');
    move(11, 4, 'assigned');
    quant(12, 100);
    move(12, 5, 'cancel');
    quant(13, 100);
  });

  it('holds when done moves explain what changed and open moves what is reserved', async () => {
    expect(await check('stock-moves-match-quants')).toMatchObject({ checked: 3, violations: [] });
  });

  it('looks into the stock of each store too, and names the store', async () => {
    const opening = { 11: 20, 12: 20 };
    const store = { store: 0, warehouseId: 2, stockLocationId: 60, posTypeId: 7, openingQuants: opening, openingMoves: opening };
    for (const id of [11, 12]) move(id, 20, 'done', 5, 60);
    for (const [id, units] of [
      [11, 17],
      [12, 20],
    ] as const)
      quant(id, units, 0, 60);
    move(11, 3, 'done', 60, 9);
    const catalogue = aCatalogue({ stores: [store], storeProducts: 2 });
    expect(await check('stock-moves-match-quants', { catalogue })).toMatchObject({ checked: 5, violations: [] });
    // From the shop's shelf instead of the store's: right in sum, wrong in both places.
    move(12, 2, 'done', 60, 9);
    quant(12, -2);
    expect(await check('stock-moves-match-quants', { catalogue })).toMatchObject({
      violations: [
        'product PP42-P000012: units on hand changed by -2, done moves by 0',
        'product PP42-P000012 in store 1: units on hand changed by 0, done moves by -2',
      ],
    });
  });

  it('is violated by units that went without a move', async () => {
    quant(12, -2);
    expect(await check('stock-moves-match-quants')).toMatchObject({
      checked: 3,
      violations: ['product PP42-P000012: units on hand changed by -2, done moves by 0'],
    });
  });

  it('is violated by a reservation that no move holds', async () => {
    quant(13, 0, 3);
    expect(await check('stock-moves-match-quants')).toMatchObject({
      violations: ['product PP42-P000013: quants hold 3 reserved, open moves 0'],
    });
  });

  it('leaves out what was wrong before the run, other locations and other products', async () => {
    quant(12, 50);
    quant(11, 5, 5, 99);
    quant(777, 5, 5);
    const catalogue = aCatalogue({ openingQuants: { 11: 100, 12: 150, 13: 100 } });
    expect(await check('stock-moves-match-quants', { catalogue })).toMatchObject({ checked: 3, violations: [] });
  });

  it('compares whole histories when the catalogue has no opening moves', async () => {
    const { openingMoves: _none, ...catalogue } = aCatalogue();
    expect(await check('stock-moves-match-quants', { catalogue })).toMatchObject({ violations: [] });
    quant(12, 1);
    expect(await check('stock-moves-match-quants', { catalogue })).toMatchObject({
      violations: ['product PP42-P000012: units on hand changed by 101, done moves by 100'],
    });
  });

  it('looks again before it accuses: a move may have been done in between', async () => {
    const extra = quant(12, -2);
    odoo.intercept = () => {
      if (clock.monotonic() > 0) odoo.table('stock.quant').delete(extra);
      return undefined;
    };
    expect(await check('stock-moves-match-quants')).toMatchObject({ violations: [] });
  });

  it('has no data without products', async () => {
    expect(await check('stock-moves-match-quants', { catalogue: aCatalogue({ products: [] }) })).toMatchObject({
      checked: 0,
      violations: [],
    });
  });
});

describe('debit-equals-credit', () => {
  const entry = (ref: string, lines: readonly (readonly [number, number])[], more = {}): number => {
    const id = odoo.insert('account.move', { ref, state: 'posted', ...more });
    for (const [debit, credit] of lines) odoo.insert('account.move.line', { move_id: id, debit, credit });
    return id;
  };

  it('holds for entries that balance to the cent in spite of float sums', async () => {
    entry('PP-r1-1', [
      [0.1, 0],
      [0.2, 0],
      [0, 0.3],
    ]);
    entry(
      'PP-r1-2',
      [
        [5, 0],
        [0, 4],
      ],
      { state: 'draft' },
    );
    entry('PP-r2-1', [
      [5, 0],
      [0, 4],
    ]);
    expect(await check('debit-equals-credit')).toMatchObject({ checked: 1, violations: [] });
  });

  it('is violated by a cent', async () => {
    entry('PP-r1-1', [
      [5, 0],
      [0, 4.99],
    ]);
    expect(await check('debit-equals-credit')).toMatchObject({ checked: 1, violations: ['PP-r1-1: debit 5.00, credit 4.99'] });
  });

  it('is violated by a posted entry whose lines are gone', async () => {
    entry('PP-r1-1', []);
    expect(await check('debit-equals-credit')).toMatchObject({ violations: ['PP-r1-1 is posted without lines'] });
  });

  it('looks at reversals and at the entries of the POS sessions too', async () => {
    const reversed = entry('PP-r1-1', [
      [5, 0],
      [0, 5],
    ]);
    entry(
      'Reversal of: MISC/1',
      [
        [5, 0],
        [0, 6],
      ],
      { reversed_entry_id: [reversed, 'MISC/1'] },
    );
    const closing = entry('POSS/1', [
      [8, 0],
      [0, 9],
    ]);
    const session = odoo.insert('pos.session', { config_id: 41, state: 'closed', move_id: [closing, 'POSS/1'] });
    odoo.insert('pos.order', { uuid: 'u1', session_id: [session, 'S'], state: 'done', amount_total: 0, amount_paid: 0 });
    expect(await check('debit-equals-credit', { writes: [ticket('u1')] })).toMatchObject({
      checked: 3,
      violations: ['reversal of PP-r1-1: debit 5.00, credit 6.00', `entry of POS session ${session}: debit 8.00, credit 9.00`],
    });
  });

  it('has no data without entries', async () => {
    expect(await check('debit-equals-credit')).toMatchObject({ checked: 0, violations: [] });
  });
});

describe('one-invoice-per-order', () => {
  const invoice = (more = {}): number => odoo.insert('account.move', { move_type: 'out_invoice', state: 'posted', ...more });
  const order = (client_order_ref: string, invoice_ids: readonly number[]): number =>
    odoo.insert('sale.order', { client_order_ref, invoice_ids, state: 'sale' });

  it('holds for orders with one invoice, and does not count those without', async () => {
    order('PP-r1-1', [invoice()]);
    order('PP-r1-2', []);
    order('PP-r1-3', [invoice(), invoice({ move_type: 'out_refund' }), invoice({ state: 'cancel' })]);
    expect(await check('one-invoice-per-order')).toMatchObject({ checked: 2, violations: [] });
  });

  it('is violated by two invoices of an order, and by an order doubled with its invoice', async () => {
    const [one, two, three, four] = [invoice(), invoice(), invoice(), invoice()];
    order('PP-r1-1', [one, two]);
    order('PP-r1-2', [three]);
    order('PP-r1-2', [four]);
    order('PP-r2-1', [one, two]);
    expect(await check('one-invoice-per-order')).toMatchObject({
      checked: 2,
      violations: [`order PP-r1-1 has 2 invoices (ids ${one}, ${two})`, `order PP-r1-2 has 2 invoices (ids ${three}, ${four})`],
    });
  });

  it('has no data without orders', async () => {
    expect(await check('one-invoice-per-order')).toMatchObject({ checked: 0, violations: [] });
  });
});

describe('pos-sessions-match-payments', () => {
  const session = (config_id: number): number => odoo.insert('pos.session', { config_id, state: 'closed', move_id: false });
  const sold = (
    uuid: string,
    session_id: number,
    amounts: { total: number; paid: number; payments?: readonly number[]; state?: string },
  ): void => {
    odoo.insert('pos.order', {
      uuid,
      session_id: [session_id, 'S'],
      state: amounts.state ?? 'done',
      amount_total: amounts.total,
      amount_paid: amounts.paid,
    });
    for (const amount of amounts.payments ?? [amounts.paid])
      odoo.insert('pos.payment', { session_id: [session_id, 'S'], amount });
  };

  it('holds when payments are what the tickets say', async () => {
    const one = session(41);
    sold('u1', one, { total: 30, paid: 30, payments: [50, -20] });
    sold('u2', one, { total: 9.99, paid: 9.99 });
    expect(await check('pos-sessions-match-payments', { writes: [ticket('u1')] })).toMatchObject({ checked: 1, violations: [] });
  });

  it('is violated by an underpaid ticket that counts as paid', async () => {
    sold('u1', session(41), { total: 66, paid: 1 });
    sold('u2', session(41), { total: 66, paid: 1, state: 'draft' });
    expect(await check('pos-sessions-match-payments')).toMatchObject({
      checked: 2,
      violations: ['ticket u1: total 66.00, paid 1.00'],
    });
  });

  it('is violated by a payment that is lost', async () => {
    const one = session(42);
    sold('u1', one, { total: 20, paid: 20, payments: [] });
    expect(await check('pos-sessions-match-payments')).toMatchObject({
      violations: [`POS session ${one}: payments 0.00, tickets paid 20.00`],
    });
  });

  it('looks at the sessions of this run only, when it knows its tickets', async () => {
    const earlier = session(41);
    sold('old', earlier, { total: 66, paid: 1 });
    sold('u1', session(41), { total: 5, paid: 5 });
    expect(await check('pos-sessions-match-payments', { writes: [ticket('u1')] })).toMatchObject({ checked: 1, violations: [] });
  });

  it('has no data without sessions', async () => {
    expect(await check('pos-sessions-match-payments')).toMatchObject({ checked: 0, violations: [] });
  });
});

describe('checkInvariants', () => {
  it('makes a gap of what cannot be read, and checks the rest', async () => {
    odoo.intercept = (call) => (call.model === 'stock.quant' ? refused : undefined);
    expect(await check('stock-moves-match-quants')).toMatchObject({ row: 'gap', detail: expect.stringContaining('refused') });
    expect(await check('one-invoice-per-order')).toMatchObject({ row: 'invariant' });
  });

  it('tries again while the target recovers', async () => {
    let failures = 3;
    odoo.intercept = () => (failures-- > 0 ? refused : undefined);
    expect(await check('one-invoice-per-order')).toMatchObject({ row: 'invariant' });
  });
});
