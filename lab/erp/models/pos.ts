import {
  closeSession,
  closingControlData,
  createConfigs,
  openUi,
  postClosingCash,
  prepareSessions,
  setOpeningControl,
  updateClosingControl,
} from '../flows/pos-session.ts';
import { syncFromUi } from '../flows/pos-sync.ts';
import {
  boolean,
  char,
  datetime,
  float,
  integer,
  type ModelSpec,
  many2many,
  many2one,
  monetary,
  one2many,
  selection,
  text,
} from '../orm/fields.ts';

const PAYMENT_LINK = ['pos_config_pos_payment_method_rel', 'pos_config_id', 'pos_payment_method_id'] as const;

export const paymentMethod: ModelSpec = {
  name: 'pos.payment.method',
  label: 'Point of Sale Payment Methods',
  table: 'pos_payment_method',
  order: 'sequence, id',
  display: (alias) => `${alias}.name`,
  fields: {
    name: char('Method', { required: true }),
    sequence: integer('Sequence', { default: 1 }),
    active: boolean('Active', { default: true }),
    journal_id: many2one('Journal', 'account.journal'),
    is_cash_count: boolean('Cash', {
      sql: (alias) => `COALESCE((SELECT j.type = 'cash' FROM account_journal j WHERE j.id = ${alias}.journal_id), false)`,
    }),
    type: selection('Type', ['cash', 'bank', 'pay_later'], {
      sql: (alias) => `COALESCE((SELECT j.type FROM account_journal j WHERE j.id = ${alias}.journal_id), 'pay_later')`,
    }),
    split_transactions: boolean('Identify Customer', { default: false }),
    company_id: many2one('Company', 'res.company', { default: (env) => env.companyId }),
    config_ids: many2many('Point of Sale', 'pos.config', [PAYMENT_LINK[0], PAYMENT_LINK[2], PAYMENT_LINK[1]]),
  },
};

/** Whether a till takes cash: only then is there any to count. */
const takesCash = (configId: string): string =>
  `EXISTS (SELECT 1 FROM pos_config_pos_payment_method_rel r JOIN pos_payment_method m ON m.id = r.pos_payment_method_id
    JOIN account_journal j ON j.id = m.journal_id WHERE r.pos_config_id = ${configId} AND j.type = 'cash')`;

const currentSession = (alias: string, column: string): string =>
  `(SELECT s.${column} FROM pos_session s WHERE s.config_id = ${alias}.id AND s.state <> 'closed' AND NOT s.rescue ORDER BY s.id DESC LIMIT 1)`;

export const config: ModelSpec = {
  name: 'pos.config',
  label: 'Point of Sale Configuration',
  table: 'pos_config',
  order: 'name, id',
  display: (alias) => `${alias}.name`,
  fields: {
    name: char('Point of Sale', { required: true, index: true }),
    active: boolean('Active', { default: true }),
    uuid: char('Global Identifier'),
    company_id: many2one('Company', 'res.company', { default: (env) => env.companyId }),
    pricelist_id: many2one('Default Pricelist', 'product.pricelist'),
    journal_id: many2one('Point of Sale Journal', 'account.journal'),
    invoice_journal_id: many2one('Invoice Journal', 'account.journal'),
    picking_type_id: many2one('Operation Type', 'stock.picking.type'),
    warehouse_id: many2one('Warehouse', 'stock.warehouse'),
    currency_id: many2one('Currency', 'res.currency', { default: 1 }),
    cash_control: boolean('Advanced Cash Control', { sql: (alias) => takesCash(`${alias}.id`) }),
    module_pos_restaurant: boolean('Is a Bar/Restaurant', { default: false }),
    payment_method_ids: many2many('Payment Methods', 'pos.payment.method', PAYMENT_LINK),
    session_ids: one2many('Sessions', 'pos.session', 'config_id'),
    current_session_id: many2one('Current Session', 'pos.session', { sql: (alias) => currentSession(alias, 'id') }),
    current_session_state: char('Current Session State', { sql: (alias) => currentSession(alias, 'state') }),
    has_active_session: boolean('Has Active Session', { sql: (alias) => `(${currentSession(alias, 'id')} IS NOT NULL)` }),
  },
  afterCreate: createConfigs,
  methods: { open_ui: { kind: 'record', run: openUi } },
};

export const session: ModelSpec = {
  name: 'pos.session',
  label: 'Point of Sale Session',
  table: 'pos_session',
  order: 'id desc',
  display: (alias) => `${alias}.name`,
  fields: {
    name: char('Session ID', { index: true }),
    config_id: many2one('Point of Sale', 'pos.config', { required: true, index: true }),
    user_id: many2one('Opened By', 'res.users', { default: (env) => env.uid }),
    company_id: many2one('Company', 'res.company', { default: (env) => env.companyId }),
    state: selection('Status', ['opening_control', 'opened', 'closing_control', 'closed'], {
      default: 'opening_control',
      index: true,
    }),
    start_at: datetime('Opening Date'),
    stop_at: datetime('Closing Date'),
    rescue: boolean('Recovery Session', { default: false }),
    sequence_number: integer('Order Sequence Number', { default: 1 }),
    login_number: integer('Login Sequence Number', { default: 0 }),
    opening_notes: text('Opening Notes'),
    closing_notes: text('Closing Notes'),
    cash_register_balance_start: monetary('Starting Balance', { default: 0 }),
    cash_control: boolean('Has Cash Control', { sql: (alias) => takesCash(`${alias}.config_id`) }),
    cash_register_balance_end: monetary('Theoretical Closing Balance', {
      sql: (alias) =>
        `${alias}.cash_register_balance_start + COALESCE((SELECT sum(p.amount) FROM pos_payment p JOIN pos_payment_method m ON m.id = p.payment_method_id
          JOIN account_journal j ON j.id = m.journal_id WHERE p.session_id = ${alias}.id AND j.type = 'cash'), 0)`,
    }),
    cash_register_balance_end_real: monetary('Ending Balance', { default: 0 }),
    move_id: many2one('Journal Entry', 'account.move'),
    order_ids: one2many('Orders', 'pos.order', 'session_id'),
    picking_ids: one2many('Pickings', 'stock.picking', 'pos_session_id'),
    order_count: integer('Order Count', {
      sql: (alias) => `(SELECT count(*)::int FROM pos_order o WHERE o.session_id = ${alias}.id)`,
    }),
    total_payments_amount: float('Total Payments Amount', {
      sql: (alias) => `COALESCE((SELECT sum(p.amount) FROM pos_payment p WHERE p.session_id = ${alias}.id), 0)`,
    }),
    payment_method_ids: many2many('Payment Methods', 'pos.payment.method', [
      'pos_session_payment_method_view',
      'session_id',
      'method_id',
    ]),
  },
  prepareCreate: prepareSessions,
  methods: {
    set_opening_control: { kind: 'record', params: ['cashbox_value', 'notes'], required: 2, run: setOpeningControl },
    post_closing_cash_details: { kind: 'record', params: ['counted_cash'], required: 1, run: postClosingCash },
    update_closing_control_state_session: { kind: 'record', params: ['notes'], required: 1, run: updateClosingControl },
    close_session_from_ui: { kind: 'record', params: ['bank_payment_method_diff_pairs'], required: 0, run: closeSession },
    get_closing_control_data: { kind: 'record', run: closingControlData },
  },
};

export const order: ModelSpec = {
  name: 'pos.order',
  label: 'Point of Sale Orders',
  table: 'pos_order',
  order: 'date_order desc, name desc, id desc',
  display: (alias) => `${alias}.name`,
  fields: {
    name: char('Order Ref', { default: '/' }),
    uuid: char('Uuid', { index: true }),
    pos_reference: char('Receipt Number', { index: true }),
    session_id: many2one('Session', 'pos.session', { required: true, index: true }),
    config_id: many2one('Point of Sale', 'pos.config', { related: ['session_id', 'config_id'] }),
    user_id: many2one('Employee', 'res.users', { default: (env) => env.uid }),
    partner_id: many2one('Customer', 'res.partner'),
    company_id: many2one('Company', 'res.company', { default: (env) => env.companyId }),
    pricelist_id: many2one('Pricelist', 'product.pricelist'),
    date_order: datetime('Date', { default: (env) => env.now, index: true }),
    amount_total: float('Total', { required: true }),
    amount_tax: float('Taxes', { required: true }),
    amount_paid: float('Paid', { required: true }),
    amount_return: float('Returned', { required: true }),
    state: selection('Status', ['draft', 'cancel', 'paid', 'done', 'invoiced'], { default: 'draft', index: true }),
    sequence_number: integer('Sequence Number', { default: 1 }),
    to_invoice: boolean('To invoice', { default: false }),
    tracking_number: char('Order Number'),
    last_order_preparation_change: text('Last preparation change'),
    account_move: many2one('Invoice', 'account.move'),
    session_move_id: many2one('Session Journal Entry', 'account.move', { related: ['session_id', 'move_id'] }),
    lines: one2many('Order Lines', 'pos.order.line', 'order_id'),
    payment_ids: one2many('Payments', 'pos.payment', 'pos_order_id'),
  },
  methods: { sync_from_ui: { kind: 'model', params: ['orders'], required: 1, run: syncFromUi } },
};

export const orderLine: ModelSpec = {
  name: 'pos.order.line',
  label: 'Point of Sale Order Lines',
  table: 'pos_order_line',
  order: 'id',
  display: (alias) => `COALESCE(${alias}.name, 'Line ' || ${alias}.id)`,
  fields: {
    order_id: many2one('Order Ref', 'pos.order', { required: true, onDelete: 'cascade', index: true }),
    uuid: char('Uuid', { index: true }),
    name: char('Line No'),
    full_product_name: char('Full Product Name'),
    product_id: many2one('Product', 'product.product', { required: true, index: true }),
    qty: float('Quantity'),
    price_unit: float('Unit Price'),
    discount: float('Discount (%)', { default: 0 }),
    price_subtotal: monetary('Tax Excl.', { required: true }),
    price_subtotal_incl: monetary('Tax Incl.', { required: true }),
    tax_ids: many2many('Taxes', 'account.tax', ['account_tax_pos_order_line_rel', 'pos_order_line_id', 'account_tax_id']),
  },
};

export const payment: ModelSpec = {
  name: 'pos.payment',
  label: 'Point of Sale Payments',
  table: 'pos_payment',
  order: 'id desc',
  display: (alias) => `COALESCE(${alias}.name, '') || ' ' || ${alias}.amount`,
  fields: {
    name: char('Label'),
    uuid: char('Uuid'),
    pos_order_id: many2one('Order', 'pos.order', { required: true, onDelete: 'cascade', index: true }),
    amount: monetary('Amount', { required: true }),
    payment_method_id: many2one('Payment Method', 'pos.payment.method', { required: true }),
    payment_date: datetime('Date', { default: (env) => env.now }),
    session_id: many2one('Session', 'pos.session', { index: true }),
    company_id: many2one('Company', 'res.company', { default: (env) => env.companyId }),
  },
};
