/** Journal entries: what is filled in, and that debits equal credits. */
import { num, str } from '../db/transaction.ts';
import type { Env } from '../orm/env.ts';
import type { BaseWrite } from '../orm/fields.ts';
import { asNumber, isDict, type Vals, type Value } from '../orm/value.ts';
import { userError, validationError } from '../rpc/faults.ts';

export const roundMoney = (amount: number): number => Math.round((amount + Number.EPSILON) * 100) / 100;

const JOURNAL_TYPE: Readonly<Record<string, string>> = {
  entry: 'general',
  out_invoice: 'sale',
  out_refund: 'sale',
  out_receipt: 'sale',
  in_invoice: 'purchase',
  in_refund: 'purchase',
  in_receipt: 'purchase',
};

export async function defaultJournal(env: Env, type: string): Promise<number> {
  const [row] = await env.tx.query(
    'SELECT id FROM account_journal WHERE type = $1 AND active AND company_id = $2 ORDER BY sequence, id LIMIT 1',
    [type, env.companyId],
  );
  if (!row) throw userError(`No journal could be found in company for any of those types: ${type}`);
  return num(row, 'id');
}

export async function accountOfType(env: Env, type: string): Promise<number> {
  const [row] = await env.tx.query('SELECT id FROM account_account WHERE account_type = $1 ORDER BY code LIMIT 1', [type]);
  if (!row) throw userError(`No account of type ${type} was found.`);
  return num(row, 'id');
}

export async function prepareMoves(env: Env, vals: readonly Vals[]): Promise<readonly Vals[]> {
  const journals = new Map<string, number>();
  for (const item of vals) {
    const type = JOURNAL_TYPE[String(item.move_type)] ?? 'general';
    if (!item.journal_id && !journals.has(type)) journals.set(type, await defaultJournal(env, type));
  }
  const prepared: Vals[] = [];
  for (const item of vals) {
    const journalId = item.journal_id || journals.get(JOURNAL_TYPE[String(item.move_type)] ?? 'general') || false;
    const withInvoice = item.move_type === 'entry' ? item : await invoiceLines(env, item);
    prepared.push({ ...withInvoice, journal_id: journalId });
  }
  return prepared;
}

/** `invoice_line_ids` of an invoice become journal items with the counterpart on the receivable or payable account. */
async function invoiceLines(env: Env, item: Vals): Promise<Vals> {
  const { invoice_line_ids: given, ...rest } = item;
  if (!Array.isArray(given) || given.length === 0) return rest;
  const incoming = String(item.move_type).startsWith('in_');
  const refund = String(item.move_type).endsWith('refund');
  const income = await accountOfType(env, incoming ? 'expense' : 'income');
  const counterpart = await accountOfType(env, incoming ? 'liability_payable' : 'asset_receivable');
  const debitFirst = incoming !== refund;
  let total = 0;
  const lines = given.flatMap((command): Value[] => {
    const line = Array.isArray(command) ? command[2] : undefined;
    if (!isDict(line)) return [];
    const quantity = line.quantity === undefined ? 1 : asNumber(line.quantity);
    const amount = roundMoney(quantity * asNumber(line.price_unit) * (1 - asNumber(line.discount) / 100));
    total += amount;
    const { discount: _discount, ...kept } = line;
    return [
      [
        0,
        0,
        {
          ...kept,
          account_id: line.account_id ?? income,
          partner_id: item.partner_id ?? false,
          debit: debitFirst ? amount : 0,
          credit: debitFirst ? 0 : amount,
          price_subtotal: amount,
          price_total: amount,
        },
      ],
    ];
  });
  total = roundMoney(total);
  const term: Value = [
    0,
    0,
    {
      account_id: counterpart,
      partner_id: item.partner_id ?? false,
      display_type: 'payment_term',
      debit: debitFirst ? 0 : total,
      credit: debitFirst ? total : 0,
    },
  ];
  return { ...rest, line_ids: [...lines, term], invoice_date: item.invoice_date ?? env.today };
}

export async function prepareMoveLines(env: Env, vals: readonly Vals[]): Promise<readonly Vals[]> {
  const moves = await env.tx.query(
    'SELECT id, date::text AS date, journal_id, state, name, partner_id FROM account_move WHERE id = ANY($1::int[])',
    [[...new Set(vals.map((item) => asNumber(item.move_id)))]],
  );
  const byId = new Map(moves.map((row) => [num(row, 'id'), row]));
  if (moves.some((row) => str(row, 'state') === 'posted'))
    throw userError('You cannot modify a posted entry of this journal because it is in posted state.');
  const accounts = await env.tx.query(
    "SELECT id, (reconcile OR account_type IN ('asset_receivable', 'liability_payable')) AS reconcile FROM account_account WHERE id = ANY($1::int[])",
    [[...new Set(vals.map((item) => asNumber(item.account_id)))]],
  );
  const reconcilable = new Map(accounts.map((row) => [num(row, 'id'), row.reconcile === true]));
  return vals.map((item) => {
    const move = byId.get(asNumber(item.move_id));
    const given = item.balance !== undefined && item.debit === 0 && item.credit === 0;
    const balance = roundMoney(given ? asNumber(item.balance) : asNumber(item.debit) - asNumber(item.credit));
    if (asNumber(item.debit) < 0 || asNumber(item.credit) < 0)
      throw validationError(
        'The operation cannot be completed: Wrong credit or debit value in accounting entry! Both should be positive or zero.',
      );
    return {
      ...item,
      debit: Math.max(0, balance),
      credit: Math.max(0, -balance),
      balance,
      amount_currency: balance,
      amount_residual: reconcilable.get(asNumber(item.account_id)) ? balance : 0,
      partner_id: item.partner_id ?? (Number(move?.partner_id) || false),
      date: String(move?.date ?? env.today),
      journal_id: num(move, 'journal_id') || false,
      move_name: String(move?.name ?? '/'),
      parent_state: 'draft',
    };
  });
}

/** Refuses unbalanced entries and stores the totals of the balanced ones. */
export async function balanceMoves(env: Env, ids: readonly number[]): Promise<void> {
  const rows = await env.tx.query(
    `SELECT m.id, j.name AS journal, sum(l.debit) AS debit, sum(l.credit) AS credit FROM account_move m
     JOIN account_journal j ON j.id = m.journal_id JOIN account_move_line l ON l.move_id = m.id
     WHERE m.id = ANY($1::int[]) GROUP BY m.id, j.name HAVING round(sum(l.debit) - sum(l.credit), 2) <> 0 ORDER BY m.id`,
    [[...ids]],
  );
  const [bad] = rows;
  if (bad)
    throw userError(
      `The entry Draft Entry (* ${num(bad, 'id')}) is not balanced.\nThe total of debits equals $ ${num(bad, 'debit').toFixed(2)} and the total of credits equals $ ${num(bad, 'credit').toFixed(2)}.\nYou might want to specify a default account on journal "${str(bad, 'journal')}" to automatically balance each move.`,
    );
  await env.tx.execute(
    `UPDATE account_move m SET amount_total = s.debit, amount_untaxed = s.debit FROM
       (SELECT move_id, sum(debit) AS debit FROM account_move_line WHERE move_id = ANY($1::int[]) GROUP BY move_id) s WHERE m.id = s.move_id`,
    [[...ids]],
  );
}

export async function writeMoves(env: Env, ids: readonly number[], vals: Vals, base: BaseWrite): Promise<void> {
  const posted = await env.tx.query("SELECT id FROM account_move WHERE id = ANY($1::int[]) AND state = 'posted'", [[...ids]]);
  if (posted.length > 0 && ['line_ids', 'journal_id', 'invoice_line_ids'].some((name) => name in vals))
    throw userError('You cannot modify a posted entry of this journal because it is in posted state.');
  await base(ids, vals);
  if ('line_ids' in vals) await balanceMoves(env, ids);
  if ('date' in vals || 'journal_id' in vals)
    await env.tx.execute(
      'UPDATE account_move_line l SET date = m.date, journal_id = m.journal_id FROM account_move m WHERE m.id = l.move_id AND m.id = ANY($1::int[])',
      [[...ids]],
    );
}

export async function unlinkMoves(env: Env, ids: readonly number[]): Promise<void> {
  const posted = await env.tx.query("SELECT id FROM account_move WHERE id = ANY($1::int[]) AND state = 'posted'", [[...ids]]);
  if (posted.length > 0)
    throw userError(
      "You cannot delete a posted journal item. Don't play games with me; reset the journal entry to draft before deleting it.",
    );
}
