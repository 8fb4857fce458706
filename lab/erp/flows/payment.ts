/** Payment wizard: one bank entry an invoice, posted and matched with it. */
import { num, str } from '../db/transaction.ts';
import type { Env } from '../orm/env.ts';
import type { Value } from '../orm/value.ts';
import { createRecords } from '../orm/write.ts';
import { userError } from '../rpc/faults.ts';
import { accountOfType, defaultJournal } from './entries.ts';
import { activeIdsOf, postMoves } from './posting.ts';
import { reconcileLines } from './reconcile.ts';

export async function createPayments(env: Env, ids: readonly number[]): Promise<Value> {
  const moveIds = await activeIdsOf(env, 'account_payment_register', ids);
  const [wizard] = await env.tx.query(
    'SELECT payment_date::text AS date, journal_id, communication, amount FROM account_payment_register WHERE id = $1',
    [ids[0] ?? 0],
  );
  const open = await env.tx.query(
    `SELECT l.id, l.move_id, l.account_id, l.partner_id, l.amount_residual, m.name, m.ref FROM account_move_line l JOIN account_account a ON a.id = l.account_id JOIN account_move m ON m.id = l.move_id
     WHERE l.move_id = ANY($1::int[]) AND m.state = 'posted' AND NOT l.reconciled AND l.amount_residual <> 0 AND a.account_type IN ('asset_receivable', 'liability_payable') ORDER BY l.id`,
    [[...moveIds]],
  );
  if (open.length === 0)
    throw userError(
      "There's nothing left to pay for the selected journal items, so no payment registration is necessary. You've got your finances under control like a boss!",
    );
  const journalId = num(wizard, 'journal_id') || (await defaultJournal(env, 'bank'));
  const bank = await accountOfType(env, 'asset_cash');
  const date = str(wizard, 'date') || env.today;
  const made: number[] = [];
  for (const line of open) {
    const residual = num(line, 'amount_residual');
    const asked = Number(wizard?.amount ?? 0);
    const amount = open.length === 1 && asked > 0 ? Math.min(asked, Math.abs(residual)) : Math.abs(residual);
    const inbound = residual > 0;
    const partner = num(line, 'partner_id') || false;
    const memo = str(wizard, 'communication') || str(line, 'name');
    const [entry = 0] = await createRecords(env, env.models.require('account.move'), [
      {
        move_type: 'entry',
        journal_id: journalId,
        date,
        ref: memo,
        partner_id: partner,
        line_ids: [
          [
            0,
            0,
            { account_id: bank, partner_id: partner, name: memo, debit: inbound ? amount : 0, credit: inbound ? 0 : amount },
          ],
          [
            0,
            0,
            {
              account_id: num(line, 'account_id'),
              partner_id: partner,
              name: memo,
              debit: inbound ? 0 : amount,
              credit: inbound ? amount : 0,
            },
          ],
        ],
      },
    ]);
    await postMoves(env, [entry]);
    const [counterpart] = await env.tx.query(
      'SELECT id FROM account_move_line WHERE move_id = $1 AND account_id = $2 ORDER BY id DESC LIMIT 1',
      [entry, num(line, 'account_id')],
    );
    await reconcileLines(env, [num(line, 'id'), num(counterpart, 'id')]);
    made.push(
      ...(await createRecords(env, env.models.require('account.payment'), [
        {
          name: `PAY${String(entry).padStart(5, '0')}`,
          date,
          amount,
          memo,
          partner_id: partner,
          journal_id: journalId,
          move_id: entry,
          payment_type: inbound ? 'inbound' : 'outbound',
          state: 'paid',
        },
      ])),
    );
  }
  return {
    name: 'Payments',
    type: 'ir.actions.act_window',
    res_model: 'account.payment',
    context: { create: false },
    view_mode: made.length === 1 ? 'form' : 'list,form',
    ...(made.length === 1 ? { res_id: made[0] ?? 0 } : { domain: [['id', 'in', made]] }),
  };
}
