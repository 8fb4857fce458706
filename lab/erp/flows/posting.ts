/** Posting: numbers the entry, and moves its date silently when that lies in a locked period (facts, silent changes 3). */
import { num, type Row, str } from '../db/transaction.ts';
import type { Env } from '../orm/env.ts';
import type { Value } from '../orm/value.ts';
import { missingError, userError } from '../rpc/faults.ts';
import { balanceMoves } from './entries.ts';

const PREFIX: Readonly<Record<string, string>> = {
  out_invoice: 'INV',
  out_refund: 'RINV',
  in_invoice: 'BILL',
  in_refund: 'RBILL',
};

async function requireMoves(env: Env, ids: readonly number[]): Promise<readonly Row[]> {
  const rows = await env.tx.query(
    `SELECT m.id, m.name, m.ref, m.state, m.move_type, m.date::text AS date, m.posted_before, j.code, j.type AS journal_type,
       EXISTS (SELECT 1 FROM account_move_line l WHERE l.move_id = m.id) AS has_lines
     FROM account_move m JOIN account_journal j ON j.id = m.journal_id WHERE m.id = ANY($1::int[]) ORDER BY m.id`,
    [[...ids]],
  );
  const found = new Set(rows.map((row) => num(row, 'id')));
  const missing = ids.filter((id) => !found.has(id));
  if (missing.length > 0) throw missingError('account.move', missing, env.uid);
  return rows;
}

interface LockDates {
  readonly all: string;
  readonly sale: string;
  readonly purchase: string;
}

const latest = (...dates: readonly string[]): string => [...dates].sort().at(-1) ?? '';

async function lockDates(env: Env): Promise<LockDates> {
  const [row] = await env.tx.query(
    'SELECT fiscalyear_lock_date::text AS fiscalyear, sale_lock_date::text AS sale, purchase_lock_date::text AS purchase, hard_lock_date::text AS hard FROM res_company WHERE id = $1',
    [env.companyId],
  );
  const all = latest(str(row, 'fiscalyear'), str(row, 'hard'));
  return { all, sale: latest(all, str(row, 'sale')), purchase: latest(all, str(row, 'purchase')) };
}

const nextDay = (day: string): string => new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);

function accountingDate(env: Env, row: Row, locks: LockDates): string {
  const date = str(row, 'date');
  const journal = str(row, 'journal_type');
  const lock = journal === 'sale' ? locks.sale : journal === 'purchase' ? locks.purchase : locks.all;
  if (lock === '' || date > lock) return date;
  return latest(env.today, nextDay(lock));
}

export async function postMoves(env: Env, ids: readonly number[]): Promise<Value> {
  const moves = await requireMoves(env, ids);
  const wrong = moves.find((row) => str(row, 'state') !== 'draft');
  if (wrong) throw userError(`The entry ${str(wrong, 'name')} (id ${num(wrong, 'id')}) must be in draft.`);
  if (moves.some((row) => row.has_lines !== true))
    throw userError("Even magicians can't post nothing! You need to add a line before posting.");
  await balanceMoves(env, ids);
  const locks = await lockDates(env);
  const numbers = await env.tx.query("SELECT nextval('account_move_name_seq')::int AS n FROM generate_series(1, $1::int)", [
    moves.length,
  ]);
  const dates = moves.map((row) => accountingDate(env, row, locks));
  const names = moves.map((row, index) =>
    str(row, 'name') !== '/' && row.name !== null
      ? str(row, 'name')
      : moveName(row, dates[index] ?? env.today, num(numbers[index], 'n')),
  );
  await env.tx.execute(
    `WITH posted AS (
       UPDATE account_move m SET state = 'posted', posted_before = true, name = u.name, date = u.date, write_uid = $4, write_date = now() AT TIME ZONE 'UTC',
         invoice_date = CASE WHEN m.move_type <> 'entry' THEN COALESCE(m.invoice_date, u.date) END
       FROM unnest($1::int[], $2::text[], $3::date[]) AS u(id, name, date) WHERE m.id = u.id RETURNING m.id, m.name, m.date)
     UPDATE account_move_line l SET parent_state = 'posted', move_name = p.name, date = p.date FROM posted p WHERE l.move_id = p.id`,
    [moves.map((row) => num(row, 'id')), names, dates, env.uid],
  );
  return false;
}

function moveName(row: Row, date: string, number: number): string {
  const prefix = PREFIX[str(row, 'move_type')];
  const [year, month] = date.split('-');
  return prefix === undefined
    ? `${str(row, 'code')}/${year}/${month}/${String(number).padStart(4, '0')}`
    : `${prefix}/${year}/${String(number).padStart(5, '0')}`;
}

export async function draftMoves(env: Env, ids: readonly number[]): Promise<Value | undefined> {
  const moves = await requireMoves(env, ids);
  if (moves.some((row) => !['posted', 'cancel'].includes(str(row, 'state'))))
    throw userError('Only posted/cancelled journal entries can be reset to draft.');
  await setState(env, ids, 'draft');
  return undefined;
}

export async function cancelMoves(env: Env, ids: readonly number[]): Promise<Value | undefined> {
  const moves = await requireMoves(env, ids);
  if (moves.some((row) => str(row, 'state') !== 'draft')) throw userError('Only draft journal entries can be cancelled.');
  await setState(env, ids, 'cancel');
  return undefined;
}

async function setState(env: Env, ids: readonly number[], state: 'draft' | 'cancel'): Promise<void> {
  await env.tx.execute('UPDATE account_move SET state = $2 WHERE id = ANY($1::int[])', [[...ids], state]);
  await env.tx.execute('UPDATE account_move_line SET parent_state = $2 WHERE move_id = ANY($1::int[])', [[...ids], state]);
}

export async function activeIdsOf(
  env: Env,
  table: 'validate_account_move' | 'account_payment_register',
  ids: readonly number[],
): Promise<readonly number[]> {
  const rows = await env.tx.query(`SELECT x_active_ids FROM ${table} WHERE id = ANY($1::int[])`, [[...ids]]);
  return rows.flatMap((row): number[] => {
    const parsed: unknown = JSON.parse(str(row, 'x_active_ids') || '[]');
    return Array.isArray(parsed) ? parsed.filter((id): id is number => typeof id === 'number') : [];
  });
}

export async function validateMoves(env: Env, ids: readonly number[]): Promise<Value> {
  const active = await activeIdsOf(env, 'validate_account_move', ids);
  const drafts = await env.tx.query("SELECT id FROM account_move WHERE id = ANY($1::int[]) AND state = 'draft'", [[...active]]);
  if (drafts.length === 0) throw userError('There are no journal items in the draft state to post.');
  await postMoves(
    env,
    drafts.map((row) => num(row, 'id')),
  );
  return { type: 'ir.actions.act_window_close' };
}
