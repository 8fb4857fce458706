/** The methods of the fake Odoo that do more than read and write rows. */
import type { OdooValue } from '../../src/clients/ports.ts';
import type { FakeOdoo } from './fake-odoo.ts';
import { fault, list, noneFault, ok, type Reply, type Row } from './odoo-replies.ts';

type Method = (odoo: FakeOdoo, args: readonly OdooValue[], kwargs: Readonly<Record<string, OdooValue>>) => Reply;

const ids = (args: readonly OdooValue[]): number[] => list(args[0]).map(Number);
const m2o = (value: OdooValue | undefined): number => Number(Array.isArray(value) ? value[0] : value);

const setState =
  (model: string, state: string, reply: Reply): Method =>
  (odoo, args) => {
    for (const id of ids(args)) Object.assign(odoo.table(model).get(id) ?? {}, { state });
    return reply;
  };

function openSession(odoo: FakeOdoo, configId: number): Row | undefined {
  return odoo.rows('pos.session').find((row) => m2o(row.config_id) === configId && row.state !== 'closed');
}

function syncOrder(odoo: FakeOdoo, order: Row): Row | string {
  const known = odoo.rows('pos.order').find(({ uuid }) => uuid === order.uuid);
  if (known !== undefined) return known;
  const session = odoo.table('pos.session').get(Number(order.session_id));
  if (session === undefined) return 'Record does not exist or has been deleted.';
  if (session.state !== 'opened') return 'No open session available. Please open a new session to capture the order.';
  const id = odoo.insert('pos.order', {
    uuid: order.uuid ?? false,
    session_id: session.id ?? 0,
    state: 'paid',
    amount_total: order.amount_total ?? 0,
    amount_paid: order.amount_paid ?? 0,
  });
  for (const command of list(order.payment_ids)) {
    const payment = list(command)[2] as Row;
    odoo.insert('pos.payment', { pos_order_id: id, session_id: session.id ?? 0, amount: payment.amount ?? 0 });
  }
  return odoo.table('pos.order').get(id) ?? {};
}

/** Fields of a template that its variants show as theirs. */
const SHARED = ['name', 'type', 'is_storable', 'categ_id', 'list_price', 'taxes_id', 'available_in_pos', 'invoice_policy'];
const OWN = ['default_code', 'barcode', 'standard_price'];

const some = (values: Row, fields: readonly string[]): Row =>
  Object.fromEntries(fields.flatMap((field) => (values[field] === undefined ? [] : [[field, values[field]]])));

/** A variant for each combination of the attribute lines' values. */
function createTemplate(odoo: FakeOdoo, { attribute_line_ids, ...values }: Row): number {
  const template = odoo.insert('product.template', values);
  const lines = list(attribute_line_ids).map((command) => {
    const { value_ids } = list(command)[2] as Row;
    return list(list(list(value_ids)[0])[2]).map((value) =>
      odoo.insert('product.template.attribute.value', { product_tmpl_id: template, product_attribute_value_id: value }),
    );
  });
  const combinations = lines.reduce<number[][]>((all, line) => all.flatMap((one) => line.map((value) => [...one, value])), [[]]);
  for (const product_template_attribute_value_ids of combinations)
    odoo.insert('product.product', {
      ...some(values, SHARED),
      ...(lines.length === 0 ? some(values, OWN) : {}),
      product_tmpl_id: template,
      product_template_attribute_value_ids,
    });
  return template;
}

export const fakeMethods: Readonly<Record<string, Method>> = {
  'product.template.create': (odoo, args) => ok(list(args[0]).map((item) => createTemplate(odoo, item as Row))),
  'product.template.write': (odoo, args) => {
    for (const command of list((args[1] as Row).product_variant_ids)) {
      const [, id, values] = list(command);
      Object.assign(odoo.table('product.product').get(Number(id)) ?? {}, values);
    }
    return ok(true);
  },
  'stock.warehouse.create': (odoo, args) =>
    ok(
      list(args[0]).map((item) => {
        const { code } = item as Row;
        if (odoo.rows('stock.warehouse').some((row) => row.code === code))
          throw new Error(`the short name ${String(code)} is taken`);
        const lot_stock_id = odoo.insert('stock.location', { name: `${String(code)}/Stock` });
        const pos_type_id = odoo.insert('stock.picking.type', { name: `${String(code)}: PoS Orders` });
        return odoo.insert('stock.warehouse', { ...(item as Row), lot_stock_id, pos_type_id });
      }),
    ),
  'stock.quant.create': (odoo, args) =>
    ok(
      list(args[0]).map((item) => {
        const { product_id = 0, location_id = 0, inventory_quantity = 0 } = item as Row;
        const known = odoo.rows('stock.quant').find((row) => row.product_id === product_id && row.location_id === location_id);
        if (known === undefined)
          return odoo.insert('stock.quant', { product_id, location_id, inventory_quantity, quantity: 0, reserved_quantity: 0 });
        known.inventory_quantity = inventory_quantity;
        return known.id ?? 0;
      }),
    ),
  'stock.quant.action_apply_inventory': (odoo, args) => {
    for (const id of ids(args)) {
      const quant = odoo.table('stock.quant').get(id);
      if (quant === undefined) return fault('Record does not exist or has been deleted.');
      const quantity = Number(quant.inventory_quantity) - Number(quant.quantity);
      quant.quantity = quant.inventory_quantity ?? 0;
      odoo.insert('stock.move', {
        product_id: quant.product_id ?? 0,
        location_id: 5,
        location_dest_id: quant.location_id ?? 0,
        quantity,
        state: 'done',
      });
    }
    return noneFault;
  },
  'pos.config.create': (odoo, args) => {
    if (odoo.rows('pos.payment.method').length === 0) {
      odoo.insert('pos.payment.method', { name: 'Cash', is_cash_count: true, journal_id: [31, 'Cash'], company_id: 1 });
      odoo.insert('pos.payment.method', { name: 'Card', is_cash_count: false, journal_id: [32, 'Bank'], company_id: 1 });
      odoo.insert('pos.payment.method', { name: 'Customer Account', is_cash_count: false, journal_id: false, company_id: 1 });
    }
    return ok(
      list(args[0]).map((item) => {
        const { payment_method_ids, ...values } = item as Row;
        const given = list(payment_method_ids).flatMap((command) => list(list(command)[2]));
        const all = odoo.rows('pos.payment.method').map((method) => method.id ?? 0);
        return odoo.insert('pos.config', { ...values, payment_method_ids: given.length > 0 ? given : all });
      }),
    );
  },
  'pos.config.open_ui': (odoo, args) => {
    for (const config_id of ids(args))
      if (openSession(odoo, config_id) === undefined)
        odoo.insert('pos.session', { config_id, state: 'opening_control', move_id: false });
    return ok({ type: 'ir.actions.act_url' });
  },
  'pos.session.set_opening_control': setState('pos.session', 'opened', noneFault),
  'pos.session.post_closing_cash_details': () => fault('There is no cash register in this session.'),
  'pos.session.update_closing_control_state_session': setState('pos.session', 'closing_control', noneFault),
  'pos.session.close_session_from_ui': setState('pos.session', 'closed', ok({ successful: true })),
  'pos.order.sync_from_ui': (odoo, args) => {
    const done = list(args[0]).map((order) => syncOrder(odoo, order as Row));
    const failed = done.find((one) => typeof one === 'string');
    return failed === undefined ? ok({ 'pos.order': done as OdooValue[] }) : fault(failed);
  },
  'account.move.create': (odoo, args) => {
    const many = Array.isArray(args[0]);
    const made = (many ? list(args[0]) : [args[0] ?? {}]).map((item) => {
      const { line_ids, ...values } = item as Row;
      const move_id = odoo.insert('account.move', { ...values, state: 'draft' });
      for (const command of list(line_ids)) odoo.insert('account.move.line', { ...(list(command)[2] as Row), move_id });
      return move_id;
    });
    return ok(many ? made : (made[0] ?? 0));
  },
  'account.move.action_post': (odoo, args) => {
    for (const id of ids(args)) {
      const lines = odoo.rows('account.move.line').filter((line) => line.move_id === id);
      const cents = lines.reduce(
        (sum, line) => sum + Math.round(Number(line.debit) * 100) - Math.round(Number(line.credit) * 100),
        0,
      );
      if (cents !== 0) return fault(`The entry ${id} is not balanced.`);
      Object.assign(odoo.table('account.move').get(id) ?? {}, { state: 'posted' });
    }
    return ok(false);
  },
};
