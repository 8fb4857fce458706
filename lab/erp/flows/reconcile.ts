/** Matching of posted items of one account: greedy, oldest first; all settled -> a full reconcile. */
import { num, type Row, str } from '../db/transaction.ts';
import type { Env } from '../orm/env.ts';
import type { Value } from '../orm/value.ts';
import { missingError, userError } from '../rpc/faults.ts';
import { roundMoney } from './entries.ts';

/** Returns Python's None. */
export async function reconcileLines(env: Env, ids: readonly number[]): Promise<Value | undefined> {
  const lines = await env.tx.query(
    `SELECT l.id, l.account_id, l.parent_state, l.amount_residual, l.reconciled, l.move_id, (a.reconcile OR a.account_type IN ('asset_receivable', 'liability_payable')) AS allowed, a.code
     FROM account_move_line l JOIN account_account a ON a.id = l.account_id WHERE l.id = ANY($1::int[]) ORDER BY l.id FOR UPDATE OF l`,
    [[...ids]],
  );
  checkReconcilable(env, ids, lines);
  const residuals = match(lines.map((row) => num(row, 'amount_residual')));
  const full = residuals.every((residual) => residual === 0);
  const [made] = full
    ? await env.tx.query(
        "INSERT INTO account_full_reconcile (create_uid, create_date) VALUES ($1, now() AT TIME ZONE 'UTC') RETURNING id",
        [env.uid],
      )
    : [];
  const fullId = made ? num(made, 'id') : null;
  await env.tx.execute(
    `UPDATE account_move_line l SET amount_residual = u.residual, reconciled = (u.residual = 0), full_reconcile_id = $3::int, matching_number = COALESCE($3::int::text, 'P' || l.id)
     FROM unnest($1::int[], $2::numeric[]) AS u(id, residual) WHERE l.id = u.id`,
    [lines.map((row) => num(row, 'id')), residuals, fullId],
  );
  await refreshPaymentStates(
    env,
    lines.map((row) => num(row, 'move_id')),
  );
  return undefined;
}

function checkReconcilable(env: Env, ids: readonly number[], lines: readonly Row[]): void {
  const found = new Set(lines.map((row) => num(row, 'id')));
  const missing = ids.filter((id) => !found.has(id));
  if (missing.length > 0) throw missingError('account.move.line', missing, env.uid);
  if (lines.some((row) => row.reconciled === true))
    throw userError('You are trying to reconcile some entries that are already reconciled.');
  if (lines.some((row) => str(row, 'parent_state') !== 'posted')) throw userError('You can only reconcile posted entries.');
  if (new Set(lines.map((row) => num(row, 'account_id'))).size > 1)
    throw userError('Entries are not from the same account: reconcile one account at a time.');
  const bad = lines.find((row) => row.allowed !== true);
  if (bad)
    throw userError(
      `Account ${str(bad, 'code')} does not allow reconciliation. First change the configuration of this account to allow it.`,
    );
}

/** Debits against credits in their order; gives what is left of each. */
export function match(residuals: readonly number[]): readonly number[] {
  const left = [...residuals];
  for (let debit = 0; debit < left.length; debit += 1)
    for (let credit = 0; credit < left.length && (left[debit] ?? 0) > 0; credit += 1) {
      const amount = roundMoney(Math.min(left[debit] ?? 0, -(left[credit] ?? 0)));
      if (amount <= 0) continue;
      left[debit] = roundMoney((left[debit] ?? 0) - amount);
      left[credit] = roundMoney((left[credit] ?? 0) + amount);
    }
  return left;
}

export async function refreshPaymentStates(env: Env, moveIds: readonly number[]): Promise<void> {
  await env.tx.execute(
    `UPDATE account_move m SET payment_state = CASE WHEN s.residual = 0 THEN 'paid' WHEN s.residual < s.total THEN 'partial' ELSE 'not_paid' END
     FROM (SELECT l.move_id, sum(abs(l.amount_residual)) AS residual, sum(abs(l.balance)) AS total FROM account_move_line l JOIN account_account a ON a.id = l.account_id
       WHERE l.move_id = ANY($1::int[]) AND a.account_type IN ('asset_receivable', 'liability_payable') GROUP BY l.move_id) s
     WHERE m.id = s.move_id AND m.move_type <> 'entry'`,
    [[...new Set(moveIds)]],
  );
}
