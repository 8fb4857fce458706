/** Reversal wizard. One plain entry: the reversal is posted and matched; otherwise the reversals stay in draft (as Odoo's refund_moves). */
import { num, str } from '../db/transaction.ts';
import type { Env } from '../orm/env.ts';
import type { Value } from '../orm/value.ts';
import { createRecords } from '../orm/write.ts';
import { missingError } from '../rpc/faults.ts';
import { postMoves } from './posting.ts';
import { reconcileLines } from './reconcile.ts';

const REFUND_OF: Readonly<Record<string, string>> = { out_invoice: 'out_refund', in_invoice: 'in_refund' };

export async function reverseMoves(env: Env, ids: readonly number[]): Promise<Value> {
  const [wizard] = await env.tx.query(
    'SELECT id, date::text AS date, journal_id, reason FROM account_move_reversal WHERE id = $1',
    [ids[0] ?? 0],
  );
  if (!wizard) throw missingError('account.move.reversal', ids, env.uid);
  const moves = await env.tx.query(
    'SELECT m.id, m.name, m.move_type, m.partner_id FROM account_move m JOIN account_move_reversal_move r ON r.move_id = m.id WHERE r.reversal_id = $1 ORDER BY m.id',
    [num(wizard, 'id')],
  );
  const made: number[] = [];
  for (const move of moves) {
    const reversal = await reverseOne(env, num(move, 'id'), {
      ref: `Reversal of: ${str(move, 'name')}${str(wizard, 'reason') ? `, ${str(wizard, 'reason')}` : ''}`,
      move_type: REFUND_OF[str(move, 'move_type')] ?? 'entry',
      journal_id: num(wizard, 'journal_id'),
      date: str(wizard, 'date'),
      partner_id: num(move, 'partner_id') || false,
    });
    made.push(reversal);
    await env.tx.execute('INSERT INTO account_move_reversal_new_move (reversal_id, new_move_id) VALUES ($1, $2)', [
      num(wizard, 'id'),
      reversal,
    ]);
  }
  const single = moves.length === 1 && str(moves[0], 'move_type') === 'entry';
  if (single) await settle(env, num(moves[0], 'id'), made[0] ?? 0);
  return {
    name: 'Reverse Moves',
    type: 'ir.actions.act_window',
    res_model: 'account.move',
    context: { default_move_type: 'entry' },
    view_mode: made.length === 1 ? 'form' : 'list,form',
    ...(made.length === 1 ? { res_id: made[0] ?? 0 } : { domain: [['id', 'in', made]] }),
  };
}

async function reverseOne(env: Env, moveId: number, vals: Readonly<Record<string, Value>>): Promise<number> {
  const lines = await env.tx.query(
    'SELECT account_id, partner_id, name, debit, credit, display_type FROM account_move_line WHERE move_id = $1 ORDER BY id',
    [moveId],
  );
  const commands = lines.map(
    (line): Value => [
      0,
      0,
      {
        account_id: num(line, 'account_id'),
        partner_id: num(line, 'partner_id') || false,
        name: str(line, 'name') || false,
        display_type: str(line, 'display_type'),
        debit: num(line, 'credit'),
        credit: num(line, 'debit'),
      },
    ],
  );
  const [id = 0] = await createRecords(env, env.models.require('account.move'), [
    { ...vals, reversed_entry_id: moveId, line_ids: commands },
  ]);
  return id;
}

async function settle(env: Env, original: number, reversal: number): Promise<void> {
  await postMoves(env, [reversal]);
  const rows = await env.tx.query(
    `SELECT l.account_id, array_agg(l.id ORDER BY l.id) AS ids FROM account_move_line l JOIN account_account a ON a.id = l.account_id
     WHERE l.move_id IN ($1, $2) AND l.parent_state = 'posted' AND NOT l.reconciled AND l.amount_residual <> 0 AND (a.reconcile OR a.account_type IN ('asset_receivable', 'liability_payable'))
     GROUP BY l.account_id HAVING count(DISTINCT l.move_id) = 2`,
    [original, reversal],
  );
  for (const row of rows) await reconcileLines(env, row.ids as readonly number[]);
}
