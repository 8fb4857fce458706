/** The business flows of odoo-behaviour.md section 3 and their silent changes, against a real PostgreSQL and Redis. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client, type Fault, type Got, type Sent } from './lab-erp-client.ts';
import { TestErp } from './lab-erp-support.ts';

let erp: TestErp;
let client: Client;
let partner: number;
let products: number[];

/** For methods that return None: the work must be committed although the answer is a fault. */
async function callNone(model: string, method: string, args: readonly Sent[]): Promise<Fault> {
  const fault = await client.fault(model, method, args);
  expect([fault.code, fault.lastLine]).toEqual([1, 'TypeError: cannot marshal None unless allow_none is enabled']);
  return fault;
}
const read = async (model: string, id: number, fields: readonly string[]): Promise<Got> =>
  (await client.call(model, 'read', [[id], fields]))[0];
const today = (): string => new Date().toISOString().slice(0, 10);
const daysAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);

async function newOrder(ref: string, quantities: readonly number[]): Promise<number> {
  const lines = quantities.map((quantity, index) => [0, 0, { product_id: products[index] ?? 0, product_uom_qty: quantity }]);
  return await client.call('sale.order', 'create', [{ partner_id: partner, client_order_ref: ref, order_line: lines }]);
}

beforeAll(async () => {
  erp = await TestErp.start();
  client = new Client((await erp.startWorker()).url);
  partner = await client.call('res.partner', 'create', [{ name: 'Customer', email: 'c@example.com' }]);
  products = await client.call('product.product', 'create', [
    [
      {
        name: 'Shoe',
        default_code: 'F-1',
        list_price: 10,
        type: 'consu',
        is_storable: true,
        available_in_pos: true,
        barcode: '111',
      },
      { name: 'Sock', default_code: 'F-2', list_price: 2.5, type: 'consu', is_storable: true, available_in_pos: true },
      { name: 'Gift wrap', default_code: 'F-3', list_price: 1, type: 'service' },
    ],
  ]);
  const quants = await client.call(
    'stock.quant',
    'create',
    [products.slice(0, 2).map((id) => ({ product_id: id, location_id: 8, inventory_quantity: 100 }))],
    {
      context: { inventory_mode: true },
    },
  );
  await callNone('stock.quant', 'action_apply_inventory', [quants]);
});
afterAll(async () => await erp?.stop());

describe('sale', () => {
  test('captures, confirms once, reserves, delivers, invoices and is paid', async () => {
    const before = (await read('product.product', products[0] ?? 0, ['qty_available', 'free_qty'])).qty_available;
    const order = await newOrder('flow-1', [3, 2]);
    expect(await read('sale.order', order, ['state', 'amount_total', 'client_order_ref', 'partner_id'])).toEqual({
      id: order,
      state: 'draft',
      amount_total: 35,
      client_order_ref: 'flow-1',
      partner_id: [partner, 'Customer'],
    });
    expect(await client.call('sale.order', 'action_confirm', [[order]])).toBe(true);
    const again = await client.fault('sale.order', 'action_confirm', [[order]]);
    expect([again.code, again.message]).toEqual([2, 'Some orders are not in a state requiring confirmation.']);
    expect(await read('product.product', products[0] ?? 0, ['qty_available', 'free_qty', 'virtual_available'])).toMatchObject({
      qty_available: before,
      free_qty: before - 3,
      virtual_available: before - 3,
    });
    const { picking_ids: pickings } = await read('sale.order', order, ['picking_ids']);
    expect(await read('stock.picking', pickings[0], ['state', 'origin'])).toMatchObject({ state: 'assigned' });
    expect(await client.call('stock.picking', 'action_assign', [pickings])).toBe(true);
    expect(await client.call('stock.picking', 'button_validate', [pickings])).toBe(true);
    expect(await read('product.product', products[0] ?? 0, ['qty_available', 'free_qty'])).toMatchObject({
      qty_available: before - 3,
      free_qty: before - 3,
    });

    const wizard = await client.call('sale.advance.payment.inv', 'create', [
      { advance_payment_method: 'delivered', sale_order_ids: [[6, 0, [order]]] },
    ]);
    await callNone('sale.advance.payment.inv', 'create_invoices', [[wizard]]);
    const { invoice_ids: invoices, invoice_status: status } = await read('sale.order', order, ['invoice_ids', 'invoice_status']);
    expect([invoices.length, status]).toEqual([1, 'invoiced']);
    expect((await client.fault('sale.advance.payment.inv', 'create_invoices', [[wizard]])).message).toMatch(
      /^Cannot create an invoice/,
    );
    expect(await client.call('account.move', 'action_post', [invoices])).toBe(false);
    const pay = await client.call('account.payment.register', 'create', [{ payment_date: today() }], {
      context: { active_model: 'account.move', active_ids: invoices },
    });
    await client.call('account.payment.register', 'action_create_payments', [[pay]]);
    expect(await read('account.move', invoices[0], ['state', 'payment_state', 'amount_total', 'amount_residual'])).toMatchObject({
      state: 'posted',
      payment_state: 'paid',
      amount_total: 35,
      amount_residual: 0,
    });
  });

  test('accepts the same client_order_ref twice', async () => {
    await newOrder('twice', [1]);
    await newOrder('twice', [1]);
    expect(await client.call('sale.order', 'search_count', [[['client_order_ref', '=', 'twice']]])).toBe(2);
  });

  test('answers a cancellation of a confirmed order with the wizard, which gives the stock back', async () => {
    const order = await newOrder('cancel-1', [5]);
    await client.call('sale.order', 'action_confirm', [[order]]);
    const { free_qty: reserved } = await read('product.product', products[0] ?? 0, ['free_qty']);
    expect(await client.call('sale.order', 'action_cancel', [[order]])).toMatchObject({ res_model: 'sale.order.cancel' });
    expect((await read('sale.order', order, ['state'])).state).toBe('sale');
    expect(await client.call('sale.order', 'action_cancel', [[order]], { context: { disable_cancel_warning: true } })).toBe(true);
    expect((await read('sale.order', order, ['state'])).state).toBe('cancel');
    expect((await read('product.product', products[0] ?? 0, ['free_qty'])).free_qty).toBe(reserved + 5);
  });

  test('prices by the price list of the order', async () => {
    const list = await client.call('product.pricelist', 'create', [{ name: 'Promotion' }]);
    await client.call('product.pricelist.item', 'create', [
      {
        pricelist_id: list,
        applied_on: '0_product_variant',
        product_id: products[0] ?? 0,
        compute_price: 'percentage',
        percent_price: 20,
      },
    ]);
    const order = await client.call('sale.order', 'create', [
      {
        partner_id: partner,
        pricelist_id: list,
        order_line: [
          [0, 0, { product_id: products[0] ?? 0, product_uom_qty: 2 }],
          [0, 0, { product_id: products[1] ?? 0 }],
        ],
      },
    ]);
    const lines = await client.call(
      'sale.order.line',
      'search_read',
      [[['order_id', '=', order]], ['price_unit', 'price_subtotal']],
      { order: 'id' },
    );
    expect(lines.map((line: Got) => [line.price_unit, line.price_subtotal])).toEqual([
      [8, 16],
      [2.5, 2.5],
    ]);
  });

  test('keeps a confirmed order that is short of stock, partly reserved', async () => {
    const order = await newOrder('short', [10_000]);
    expect(await client.call('sale.order', 'action_confirm', [[order]])).toBe(true);
    const { picking_ids: pickings } = await read('sale.order', order, ['picking_ids']);
    expect((await read('stock.picking', pickings[0], ['state'])).state).toBe('confirmed');
    expect(await client.call('stock.picking', 'button_validate', [pickings])).toMatchObject({
      res_model: 'stock.backorder.confirmation',
    });
    await client.call('sale.order', 'action_cancel', [[order]], { context: { disable_cancel_warning: true } });
  });

  test('keeps stock moves and quants equal through all of it', async () => {
    const quants = await client.call('stock.quant', 'read_group', [
      [['location_id', '=', 8]],
      ['quantity:sum', 'reserved_quantity:sum'],
      ['product_id'],
    ]);
    const into = await client.call('stock.move', 'read_group', [
      [
        ['state', '=', 'done'],
        ['location_dest_id', '=', 8],
      ],
      ['quantity:sum'],
      ['product_id'],
    ]);
    const out = await client.call('stock.move', 'read_group', [
      [
        ['state', '=', 'done'],
        ['location_id', '=', 8],
      ],
      ['quantity:sum'],
      ['product_id'],
    ]);
    const sum = (groups: Got, id: number): number => groups.find((group: Got) => group.product_id[0] === id)?.quantity ?? 0;
    for (const group of quants) expect(group.quantity).toBe(sum(into, group.product_id[0]) - sum(out, group.product_id[0]));
    for (const group of quants) expect(group.reserved_quantity).toBe(0);
  });
});

describe('point of sale', () => {
  let config: number;
  let session: number;
  let methods: number[];

  const openTill = async (name: string): Promise<[number, number, number[]]> => {
    const [id] = await client.call('pos.config', 'create', [[{ name }]]);
    await client.call('pos.config', 'open_ui', [[id]]);
    const till = await read('pos.config', id, ['current_session_id', 'payment_method_ids']);
    return [id, till.current_session_id[0], till.payment_method_ids];
  };
  const ticket = (uuid: string, extra: { readonly [key: string]: Sent } = {}): { readonly [key: string]: Sent } => ({
    uuid,
    session_id: session,
    amount_total: 20,
    amount_tax: 0,
    amount_paid: 20,
    amount_return: 0,
    lines: [[0, 0, { product_id: products[0] ?? 0, qty: 2, price_unit: 10, price_subtotal: 20, price_subtotal_incl: 20 }]],
    payment_ids: [[0, 0, { amount: 20, payment_method_id: methods[0] ?? 0 }]],
    ...extra,
  });

  beforeAll(async () => {
    [config, session, methods] = await openTill('Till 1');
    await callNone('pos.session', 'set_opening_control', [[session], 0, 'morning']);
  });

  test('the first till makes the payment methods Cash, Card and Customer Account', async () => {
    const names = await client.call('pos.payment.method', 'read', [methods, ['name']]);
    expect(names.map((method: Got) => method.name)).toEqual(['Cash', 'Card', 'Customer Account']);
    expect((await read('pos.session', session, ['state'])).state).toBe('opened');
  });

  test('takes a uuid once, also when it comes again with something else', async () => {
    const first = await client.call('pos.order', 'sync_from_ui', [[ticket('u-1')]]);
    const second = await client.call('pos.order', 'sync_from_ui', [[ticket('u-1', { amount_total: 99 })]]);
    expect(second['pos.order'][0]).toMatchObject({ id: first['pos.order'][0].id, uuid: 'u-1', state: 'paid', amount_total: 20 });
    expect(Object.keys(first)).toEqual(expect.arrayContaining(['pos.order', 'pos.payment', 'pos.order.line']));
    const together = await Promise.all(
      Array.from({ length: 4 }, () => client.call('pos.order', 'sync_from_ui', [[ticket('u-2')]])),
    );
    expect(new Set(together.map((answer) => answer['pos.order'][0].id)).size).toBe(1);
    expect(await client.call('pos.order', 'search_count', [[['uuid', 'in', ['u-1', 'u-2']]]])).toBe(2);
  });

  test('accepts an underpaid ticket as paid', async () => {
    await client.call('pos.order', 'sync_from_ui', [
      [ticket('u-3', { amount_total: 66, payment_ids: [[0, 0, { amount: 1, payment_method_id: methods[0] ?? 0 }]] })],
    ]);
    const [order] = await client.call('pos.order', 'search_read', [
      [['uuid', '=', 'u-3']],
      ['state', 'amount_paid', 'amount_total'],
    ]);
    expect(order).toMatchObject({ state: 'paid', amount_paid: 1, amount_total: 66 });
  });

  test('refuses tickets without session, payment method or amounts', async () => {
    const { session_id: _session, ...homeless } = ticket('u-bad');
    expect((await client.fault('pos.order', 'sync_from_ui', [[homeless]])).lastLine).toBe("KeyError: 'session_id'");
    const unpaid = await client.fault('pos.order', 'sync_from_ui', [[ticket('u-bad', { payment_ids: [[0, 0, { amount: 1 }]] })]]);
    expect([unpaid.code, unpaid.lastLine]).toEqual([1, "KeyError: 'payment_method_id'"]);
    const { amount_total: _total, ...amountless } = ticket('u-bad');
    expect((await client.fault('pos.order', 'sync_from_ui', [[amountless]])).code).toBe(2);
  });

  test('closes with an entry that balances, and takes the goods from stock', async () => {
    const before = (await read('product.product', products[0] ?? 0, ['qty_available'])).qty_available;
    const sold = await client.call('pos.order.line', 'read_group', [
      [['order_id.session_id', '=', session]],
      ['qty:sum'],
      ['product_id'],
    ]);
    expect(await client.call('pos.session', 'post_closing_cash_details', [[session], 20])).toEqual({ successful: true });
    await callNone('pos.session', 'update_closing_control_state_session', [[session], 'evening']);
    expect((await read('pos.session', session, ['state'])).state).toBe('closing_control');
    expect(await client.call('pos.session', 'close_session_from_ui', [[session], []])).toEqual({ successful: true });
    const closed = await read('pos.session', session, ['state', 'move_id']);
    expect(closed.state).toBe('closed');
    expect(closed.move_id[1]).toMatch(/^POSS\//);
    const [sums] = await client.call('account.move.line', 'read_group', [
      [['move_id', '=', closed.move_id[0]]],
      ['balance:sum', 'debit:sum'],
      [],
    ]);
    expect([sums.balance, sums.debit]).toEqual([0, 106]);
    expect((await read('product.product', products[0] ?? 0, ['qty_available'])).qty_available).toBe(before - sold[0].qty);
  });

  test('refuses a late ticket when no session is open and moves it silently to one that is', async () => {
    const late = await client.fault('pos.order', 'sync_from_ui', [[ticket('u-late')]]);
    expect([late.code, late.message]).toEqual([2, expect.stringMatching(/^No open session available/)]);
    await client.call('pos.config', 'open_ui', [[config]]);
    const { current_session_id: open } = await read('pos.config', config, ['current_session_id']);
    await client.call('pos.order', 'sync_from_ui', [[ticket('u-late')]]);
    const [order] = await client.call('pos.order', 'search_read', [[['uuid', '=', 'u-late']], ['session_id']]);
    expect([order.session_id[0], order.session_id[0] === session]).toEqual([open[0], false]);
  });

  test('does not close a session with tickets that lack a quantity', async () => {
    const [, other] = await openTill('Till 2');
    await callNone('pos.session', 'set_opening_control', [[other], 0, '']);
    const line = [0, 0, { product_id: products[0] ?? 0, price_subtotal: 20, price_subtotal_incl: 20 }];
    await client.call('pos.order', 'sync_from_ui', [[ticket('u-odd', { session_id: other, lines: [line] })]]);
    expect(await client.call('pos.session', 'close_session_from_ui', [[other], []])).toMatchObject({ successful: false });
    expect((await read('pos.session', other, ['state'])).state).toBe('closing_control');
  });
});

describe('accounting', () => {
  let journal: number;
  let receivable: number;
  let income: number;

  const entry = (ref: string, amount: number, date = today()): { readonly [key: string]: Sent } => ({
    move_type: 'entry',
    journal_id: journal,
    date,
    ref,
    line_ids: [
      [0, 0, { account_id: receivable, partner_id: partner, debit: amount, credit: 0, name: ref }],
      [0, 0, { account_id: income, partner_id: partner, debit: 0, credit: amount, name: ref }],
    ],
  });

  beforeAll(async () => {
    [journal] = await client.call('account.journal', 'search', [
      [
        ['type', '=', 'general'],
        ['code', '=', 'MISC'],
      ],
    ]);
    [receivable] = await client.call('account.account', 'search', [[['account_type', '=', 'asset_receivable']]], { limit: 1 });
    [income] = await client.call('account.account', 'search', [[['account_type', '=', 'income']]], { limit: 1 });
  });

  test('creates many entries at once, posts them once', async () => {
    const ids = await client.call('account.move', 'create', [
      Array.from({ length: 50 }, (_, index) => entry(`e-${index}`, index + 0.1)),
    ]);
    expect(ids).toHaveLength(50);
    expect(await client.call('account.move', 'action_post', [ids])).toBe(false);
    const fault = await client.fault('account.move', 'action_post', [ids.slice(0, 1)]);
    expect(fault.code).toBe(2);
    expect(fault.message).toMatch(/^The entry MISC\/\d{4}\/\d\d\/\d+ \(id \d+\) must be in draft\.$/);
  });

  test('reconciles: nothing left, one full reconcile', async () => {
    const back = {
      ...entry('r-2', 70),
      line_ids: [
        [0, 0, { account_id: receivable, debit: 0, credit: 70 }],
        [0, 0, { account_id: income, debit: 70, credit: 0 }],
      ],
    };
    const ids = await client.call('account.move', 'create', [[entry('r-1', 70), back]]);
    await client.call('account.move', 'action_post', [ids]);
    const lines = await client.call('account.move.line', 'search', [
      [
        ['move_id', 'in', ids],
        ['account_id', '=', receivable],
      ],
    ]);
    await callNone('account.move.line', 'reconcile', [lines]);
    const after = await client.call('account.move.line', 'read', [lines, ['amount_residual', 'reconciled', 'full_reconcile_id']]);
    expect(after.map((line: Got) => [line.amount_residual, line.reconciled])).toEqual([
      [0, true],
      [0, true],
    ]);
    expect(after[0].full_reconcile_id[0]).toBe(after[1].full_reconcile_id[0]);
    expect((await client.fault('account.move.line', 'reconcile', [lines])).code).toBe(2);
  });

  test('moves the date of an entry in a locked period silently to today', async () => {
    await client.call('res.company', 'write', [[1], { fiscalyear_lock_date: daysAgo(10) }]);
    const [locked, free] = await client.call('account.move', 'create', [
      [entry('locked', 5, daysAgo(40)), entry('free', 5, daysAgo(3))],
    ]);
    expect(await client.call('account.move', 'action_post', [[locked, free]])).toBe(false);
    expect(await read('account.move', locked, ['date', 'state'])).toMatchObject({ date: today(), state: 'posted' });
    expect((await read('account.move', free, ['date'])).date).toBe(daysAgo(3));
    const [line] = await client.call('account.move.line', 'search_read', [[['move_id', '=', locked]], ['date', 'parent_state']]);
    expect([line.date, line.parent_state]).toEqual([today(), 'posted']);
    await client.call('res.company', 'write', [[1], { fiscalyear_lock_date: false }]);
    expect((await read('res.company', 1, ['fiscalyear_lock_date'])).fiscalyear_lock_date).toBe(false);
  });

  test('reverses a single entry posted and matched, and posts drafts by the wizard', async () => {
    const id = await client.call('account.move', 'create', [entry('rev', 12)]);
    const validate = await client.call('validate.account.move', 'create', [{}], {
      context: { active_model: 'account.move', active_ids: [id] },
    });
    await client.call('validate.account.move', 'validate_move', [[validate]]);
    const wizard = await client.call('account.move.reversal', 'create', [
      { move_ids: [[6, 0, [id]]], journal_id: journal, date: today() },
    ]);
    const action = await client.call('account.move.reversal', 'refund_moves', [[wizard]]);
    expect(await read('account.move', action.res_id, ['state', 'reversed_entry_id', 'amount_total'])).toMatchObject({
      state: 'posted',
      reversed_entry_id: [id, expect.any(String)],
      amount_total: 12,
    });
    const open = await client.call('account.move.line', 'search_count', [
      [
        ['move_id', 'in', [id, action.res_id]],
        ['account_id', '=', receivable],
        ['reconciled', '=', false],
      ],
    ]);
    expect(open).toBe(0);
  });

  test('the trial balance sums up to nothing, by account and by month', async () => {
    const fields = ['debit:sum', 'credit:sum', 'balance:sum'];
    const byAccount = await client.call('account.move.line', 'read_group', [
      [['parent_state', '=', 'posted']],
      fields,
      ['account_id'],
    ]);
    const total = byAccount.reduce((sum: number, group: Got) => sum + group.balance, 0);
    expect(Math.abs(total)).toBeLessThan(1e-6);
    const byMonth = await client.call(
      'account.move.line',
      'read_group',
      [[['parent_state', '=', 'posted']], fields, ['journal_id', 'date:month']],
      { lazy: false },
    );
    for (const group of byMonth)
      expect(group).toMatchObject({
        balance: 0,
        __count: expect.any(Number),
        'date:month': expect.stringMatching(/^\w+ \d{4}$/),
      });
  });

  test('never removes the hard lock date', async () => {
    await client.call('res.company', 'write', [[1], { hard_lock_date: daysAgo(400) }]);
    expect((await client.fault('res.company', 'write', [[1], { hard_lock_date: false }])).code).toBe(2);
  });
});

describe('generic methods', () => {
  test('every model can be searched, read and described', async () => {
    const models = await client.call('ir.model', 'search_read', [[], ['model']]);
    expect(models.length).toBeGreaterThan(40);
    for (const { model } of models) {
      await client.call(model, 'search_read', [[]], { limit: 3 });
      expect(await client.call(model, 'fields_get', [], { attributes: ['type'] })).toMatchObject({ id: { type: 'integer' } });
      expect(await client.call(model, 'search_count', [[['id', '>', 0]]])).toBeGreaterThanOrEqual(0);
      await client.call(model, 'name_search', ['x']);
    }
  });

  test('commands create, change, link, unlink and replace', async () => {
    const template = await client.call('product.template', 'create', [{ name: 'Box', list_price: 4, default_code: 'BOX' }]);
    expect(await read('product.template', template, ['product_variant_count', 'default_code'])).toMatchObject({
      product_variant_count: 1,
      default_code: 'BOX',
    });
    const parent = await client.call('res.partner', 'create', [
      {
        name: 'Group',
        child_ids: [
          [0, 0, { name: 'One' }],
          [0, 0, { name: 'Two' }],
        ],
      },
    ]);
    const { child_ids: kids } = await read('res.partner', parent, ['child_ids']);
    await client.call('res.partner', 'write', [
      [parent],
      {
        child_ids: [
          [1, kids[0], { name: 'Uno' }],
          [2, kids[1], 0],
          [4, partner, 0],
        ],
      },
    ]);
    const names = await client.call('res.partner', 'search_read', [[['parent_id', '=', parent]], ['name']]);
    expect(names.map((item: Got) => item.name)).toEqual(['Customer', 'Uno']);
    await client.call('res.partner', 'write', [[parent], { child_ids: [[6, 0, [kids[0]]]] }]);
    expect((await read('res.partner', parent, ['child_ids'])).child_ids).toEqual([kids[0]]);
  });

  test('a template with attributes makes a variant for each combination', async () => {
    const [size, colour] = await client.call('product.attribute', 'create', [
      [
        {
          name: 'Size',
          value_ids: [
            [0, 0, { name: 'S' }],
            [0, 0, { name: 'M' }],
          ],
        },
        {
          name: 'Colour',
          value_ids: [
            [0, 0, { name: 'Red' }],
            [0, 0, { name: 'Blue' }],
            [0, 0, { name: 'Green' }],
          ],
        },
      ],
    ]);
    const values = async (id: number): Promise<number[]> =>
      await client.call('product.attribute.value', 'search', [[['attribute_id', '=', id]]]);
    const template = await client.call('product.template', 'create', [
      {
        name: 'Shirt',
        attribute_line_ids: [
          [0, 0, { attribute_id: size, value_ids: [[6, 0, await values(size)]] }],
          [0, 0, { attribute_id: colour, value_ids: [[6, 0, await values(colour)]] }],
        ],
      },
    ]);
    const { product_variant_ids: variants } = await read('product.template', template, ['product_variant_ids']);
    expect(variants).toHaveLength(6);
    expect(
      (await read('product.product', variants[0], ['product_template_attribute_value_ids'])).product_template_attribute_value_ids,
    ).toHaveLength(2);
  });

  test('archived records are hidden unless asked for', async () => {
    const id = await client.call('res.partner', 'create', [{ name: 'Old', active: false }]);
    expect(await client.call('res.partner', 'search', [[['id', '=', id]]])).toEqual([]);
    expect(
      await client.call('res.partner', 'search', [
        [
          ['id', '=', id],
          ['active', 'in', [true, false]],
        ],
      ]),
    ).toEqual([id]);
    expect(await client.call('res.partner', 'search', [[['id', '=', id]]], { context: { active_test: false } })).toEqual([id]);
  });

  test('seeds 2,000 products with stock in a few seconds', async () => {
    const from = performance.now();
    for (let batch = 0; batch < 4; batch += 1) {
      const ids = await client.call('product.product', 'create', [
        Array.from({ length: 500 }, (_, index) => ({
          name: `Seed ${batch}/${index}`,
          default_code: `SEED-${batch}-${index}`,
          list_price: 3,
          is_storable: true,
        })),
      ]);
      const quants = await client.call(
        'stock.quant',
        'create',
        [ids.map((id: number) => ({ product_id: id, location_id: 8, inventory_quantity: 50 }))],
        { context: { inventory_mode: true } },
      );
      await callNone('stock.quant', 'action_apply_inventory', [quants]);
    }
    expect(performance.now() - from).toBeLessThan(15_000);
    expect(
      await client.call('product.product', 'search_count', [
        [
          ['default_code', '=like', 'SEED-%'],
          ['qty_available', '=', 50],
        ],
      ]),
    ).toBe(2_000);
  });

  test('triggers scheduled actions', async () => {
    for (const id of [1, 18, 19, 20]) expect(await client.call('ir.cron', 'method_direct_trigger', [[id]])).toBe(true);
  });
});
