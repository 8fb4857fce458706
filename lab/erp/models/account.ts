import { balanceMoves, prepareMoveLines, prepareMoves, unlinkMoves, writeMoves } from '../flows/entries.ts';
import { createPayments } from '../flows/payment.ts';
import { cancelMoves, draftMoves, postMoves, validateMoves } from '../flows/posting.ts';
import { reconcileLines } from '../flows/reconcile.ts';
import { reverseMoves } from '../flows/reversal.ts';
import {
  boolean,
  char,
  date,
  type FieldSpec,
  float,
  integer,
  type ModelSpec,
  many2many,
  many2one,
  monetary,
  one2many,
  selection,
} from '../orm/fields.ts';

const company: FieldSpec = many2one('Company', 'res.company', { default: (env) => env.companyId });

export const account: ModelSpec = {
  name: 'account.account',
  label: 'Account',
  table: 'account_account',
  order: 'code, id',
  display: (alias) => `${alias}.code || ' ' || ${alias}.name`,
  fields: {
    code: char('Code', { required: true, index: true }),
    name: char('Account Name', { required: true }),
    account_type: selection(
      'Type',
      [
        'asset_receivable',
        'asset_cash',
        'asset_current',
        'asset_non_current',
        'asset_prepayments',
        'asset_fixed',
        'liability_payable',
        'liability_credit_card',
        'liability_current',
        'liability_non_current',
        'equity',
        'equity_unaffected',
        'income',
        'income_other',
        'expense',
        'expense_depreciation',
        'expense_direct_cost',
        'off_balance',
      ],
      { required: true, default: 'asset_current' },
    ),
    internal_group: char('Internal Group', { sql: (alias) => `split_part(${alias}.account_type, '_', 1)` }),
    reconcile: boolean('Allow Reconciliation', { default: false }),
    deprecated: boolean('Deprecated', { default: false }),
    currency_id: many2one('Account Currency', 'res.currency'),
    company_ids: many2many('Companies', 'res.company', [
      'account_account_res_company_rel',
      'account_account_id',
      'res_company_id',
    ]),
  },
};

export const journal: ModelSpec = {
  name: 'account.journal',
  label: 'Journal',
  table: 'account_journal',
  order: 'sequence, type, code, id',
  display: (alias) => `${alias}.name`,
  fields: {
    name: char('Journal Name', { required: true }),
    code: char('Short Code', { required: true }),
    type: selection('Type', ['sale', 'purchase', 'cash', 'bank', 'credit', 'general'], { required: true }),
    sequence: integer('Sequence', { default: 10 }),
    active: boolean('Active', { default: true }),
    default_account_id: many2one('Default Account', 'account.account'),
    currency_id: many2one('Currency', 'res.currency'),
    company_id: company,
  },
};

export const move: ModelSpec = {
  name: 'account.move',
  label: 'Journal Entry',
  table: 'account_move',
  order: 'date desc, name desc, id desc',
  display: (alias) =>
    `COALESCE(NULLIF(${alias}.name, '/'), 'Draft Entry (* ' || ${alias}.id || ')') || COALESCE(' (' || ${alias}.ref || ')', '')`,
  fields: {
    name: char('Number', { default: '/', index: true }),
    ref: char('Reference', { index: true }),
    date: date('Date', { default: (env) => env.today, required: true, index: true }),
    move_type: selection('Type', ['entry', 'out_invoice', 'out_refund', 'in_invoice', 'in_refund', 'out_receipt', 'in_receipt'], {
      default: 'entry',
      required: true,
    }),
    state: selection('Status', ['draft', 'posted', 'cancel'], { default: 'draft', index: true }),
    payment_state: selection('Payment Status', ['not_paid', 'in_payment', 'paid', 'partial', 'reversed'], {
      default: 'not_paid',
    }),
    journal_id: many2one('Journal', 'account.journal', { required: true, index: true }),
    company_id: company,
    currency_id: many2one('Currency', 'res.currency', { default: 1 }),
    partner_id: many2one('Partner', 'res.partner'),
    invoice_date: date('Invoice/Bill Date'),
    invoice_date_due: date('Due Date'),
    invoice_origin: char('Origin', { index: true }),
    invoice_user_id: many2one('Salesperson', 'res.users'),
    auto_post: selection('Auto-post', ['no', 'at_date', 'monthly', 'quarterly', 'yearly'], { default: 'no' }),
    posted_before: boolean('Posted Before', { default: false }),
    amount_untaxed: monetary('Untaxed Amount', { default: 0 }),
    amount_tax: monetary('Tax', { default: 0 }),
    amount_total: monetary('Total', { default: 0 }),
    amount_residual: monetary('Amount Due', {
      sql: (alias) =>
        `COALESCE((SELECT abs(sum(l.amount_residual)) FROM account_move_line l JOIN account_account a ON a.id = l.account_id WHERE l.move_id = ${alias}.id AND a.account_type IN ('asset_receivable', 'liability_payable')), 0)`,
    }),
    reversed_entry_id: many2one('Reversal of', 'account.move'),
    line_ids: one2many('Journal Items', 'account.move.line', 'move_id'),
    invoice_line_ids: one2many('Invoice lines', 'account.move.line', 'move_id'),
  },
  prepareCreate: prepareMoves,
  afterCreate: (env, ids) => balanceMoves(env, ids),
  write: writeMoves,
  beforeUnlink: unlinkMoves,
  methods: {
    action_post: { kind: 'record', run: postMoves },
    button_draft: { kind: 'record', run: draftMoves },
    button_cancel: { kind: 'record', run: cancelMoves },
  },
};

export const moveLine: ModelSpec = {
  name: 'account.move.line',
  label: 'Journal Item',
  table: 'account_move_line',
  order: 'date desc, move_name desc, id',
  display: (alias) => `COALESCE(${alias}.move_name, '') || COALESCE(' ' || ${alias}.name, '')`,
  fields: {
    move_id: many2one('Journal Entry', 'account.move', { required: true, onDelete: 'cascade', index: true }),
    move_name: char('Number'),
    parent_state: selection('Status', ['draft', 'posted', 'cancel'], { default: 'draft' }),
    date: date('Date', { index: true }),
    journal_id: many2one('Journal', 'account.journal'),
    company_id: company,
    account_id: many2one('Account', 'account.account', { required: true, index: true }),
    account_type: char('Internal Type', { related: ['account_id', 'account_type'] }),
    partner_id: many2one('Partner', 'res.partner'),
    name: char('Label'),
    ref: char('Reference', { related: ['move_id', 'ref'] }),
    move_type: char('Type', { related: ['move_id', 'move_type'] }),
    display_type: selection(
      'Display Type',
      ['product', 'cogs', 'tax', 'rounding', 'payment_term', 'line_section', 'line_note', 'epd'],
      { default: 'product' },
    ),
    sequence: integer('Sequence', { default: 100 }),
    debit: monetary('Debit', { default: 0 }),
    credit: monetary('Credit', { default: 0 }),
    balance: monetary('Balance'),
    amount_currency: monetary('Amount in Currency'),
    amount_residual: monetary('Residual Amount', { default: 0 }),
    amount_residual_currency: monetary('Residual Amount in Currency', { sql: (alias) => `${alias}.amount_residual` }),
    reconciled: boolean('Reconciled', { default: false }),
    full_reconcile_id: many2one('Matching', 'account.full.reconcile', { index: true }),
    matching_number: char('Matching #'),
    currency_id: many2one('Currency', 'res.currency', { default: 1 }),
    date_maturity: date('Due Date'),
    product_id: many2one('Product', 'product.product'),
    quantity: float('Quantity', { default: 1 }),
    price_unit: float('Unit Price', { default: 0 }),
    price_subtotal: monetary('Subtotal', { default: 0 }),
    price_total: monetary('Total', { default: 0 }),
    tax_ids: many2many('Taxes', 'account.tax', ['account_move_line_account_tax_rel', 'account_move_line_id', 'account_tax_id']),
  },
  prepareCreate: prepareMoveLines,
  methods: { reconcile: { kind: 'record', run: reconcileLines } },
};

export const fullReconcile: ModelSpec = {
  name: 'account.full.reconcile',
  label: 'Full Reconcile',
  table: 'account_full_reconcile',
  order: 'id',
  display: (alias) => `${alias}.id::text`,
  fields: { reconciled_line_ids: one2many('Matched Journal Items', 'account.move.line', 'full_reconcile_id') },
};

export const payment: ModelSpec = {
  name: 'account.payment',
  label: 'Payments',
  table: 'account_payment',
  order: 'date desc, id desc',
  display: (alias) => `COALESCE(${alias}.name, 'Draft Payment')`,
  fields: {
    name: char('Number'),
    date: date('Date', { default: (env) => env.today }),
    amount: monetary('Amount', { default: 0 }),
    memo: char('Memo'),
    partner_id: many2one('Customer/Vendor', 'res.partner'),
    journal_id: many2one('Journal', 'account.journal'),
    move_id: many2one('Journal Entry', 'account.move', { index: true }),
    payment_type: selection('Payment Type', ['outbound', 'inbound'], { default: 'inbound' }),
    partner_type: selection('Partner Type', ['customer', 'supplier'], { default: 'customer' }),
    state: selection('State', ['draft', 'in_process', 'paid', 'canceled', 'rejected'], { default: 'draft' }),
    company_id: company,
  },
};

/** A wizard remembers which records it was opened on, from its context. */
const activeIds = char('Active ids', {
  default: (env) =>
    JSON.stringify(Array.isArray(env.context.active_ids) ? env.context.active_ids : [env.context.active_id ?? []].flat()),
});

export const paymentRegister: ModelSpec = {
  name: 'account.payment.register',
  label: 'Pay',
  table: 'account_payment_register',
  order: 'id',
  display: (alias) => `'account.payment.register,' || ${alias}.id`,
  fields: {
    payment_date: date('Payment Date', { default: (env) => env.today, required: true }),
    amount: monetary('Amount'),
    journal_id: many2one('Journal', 'account.journal'),
    communication: char('Memo'),
    group_payment: boolean('Group Payments', { default: false }),
    x_active_ids: activeIds,
  },
  methods: { action_create_payments: { kind: 'record', run: createPayments } },
};

export const moveReversal: ModelSpec = {
  name: 'account.move.reversal',
  label: 'Account Move Reversal',
  table: 'account_move_reversal',
  order: 'id',
  display: (alias) => `'account.move.reversal,' || ${alias}.id`,
  fields: {
    move_ids: many2many('Moves', 'account.move', ['account_move_reversal_move', 'reversal_id', 'move_id']),
    new_move_ids: many2many('New moves', 'account.move', ['account_move_reversal_new_move', 'reversal_id', 'new_move_id']),
    date: date('Reversal date', { default: (env) => env.today, required: true }),
    reason: char('Reason displayed on Credit Note'),
    journal_id: many2one('Journal', 'account.journal', { required: true }),
    company_id: company,
  },
  methods: { refund_moves: { kind: 'record', run: reverseMoves } },
};

export const validateMove: ModelSpec = {
  name: 'validate.account.move',
  label: 'Validate Account Move',
  table: 'validate_account_move',
  order: 'id',
  display: (alias) => `'validate.account.move,' || ${alias}.id`,
  fields: { force_post: boolean('Force', { default: false }), x_active_ids: activeIds },
  methods: { validate_move: { kind: 'record', run: validateMoves } },
};
