import { chunksOf, many2oneId, numberOf, readRows, sumById } from '../../../clients/odoo/records.ts';
import { runPattern } from '../run-pattern.ts';
import { differ, type InvariantCheck, money } from './findings.ts';
import { sessionIdsOf } from './run-sessions.ts';

/** Odoo repeats the domain, with all these ids, in each group of its answer. */
const BATCH_MOVES = 100;

/**
 * Every posted entry of the run has as much debit as credit: those under its references, their reversals, and those that its POS
 * sessions wrote when they closed.
 */
export const checkEntries: InvariantCheck = async (odoo, options) => {
  const pattern = runPattern(options.runId);
  const names = new Map<number, string>();
  const own = [
    ['ref', 'like', pattern],
    ['state', '=', 'posted'],
  ];
  for await (const row of readRows(odoo, 'account.move', own, ['ref'])) names.set(numberOf(row.id), String(row.ref));
  for (const batch of chunksOf([...names.keys()], BATCH_MOVES)) {
    const reversals = [
      ['reversed_entry_id', 'in', batch],
      ['state', '=', 'posted'],
    ];
    for await (const row of readRows(odoo, 'account.move', reversals, ['reversed_entry_id'])) {
      names.set(numberOf(row.id), `reversal of ${names.get(many2oneId(row.reversed_entry_id) ?? 0) ?? 'an entry'}`);
    }
  }
  for (const batch of chunksOf(await sessionIdsOf(odoo, options), BATCH_MOVES)) {
    for await (const row of readRows(odoo, 'pos.session', [['id', 'in', batch]], ['move_id'])) {
      const move = many2oneId(row.move_id);
      if (move !== null) names.set(move, `entry of POS session ${numberOf(row.id)}`);
    }
  }
  const violations: string[] = [];
  for (const batch of chunksOf([...names.keys()], BATCH_MOVES)) {
    const request = { fields: ['debit', 'credit'], groupBy: 'move_id' };
    const sums = await sumById(odoo, 'account.move.line', [['move_id', 'in', batch]], request);
    for (const id of batch) {
      const { debit, credit } = sums.get(id) ?? {};
      if (debit === undefined || credit === undefined) violations.push(`${names.get(id) ?? id} is posted without lines`);
      else if (differ(debit, credit)) violations.push(`${names.get(id) ?? id}: debit ${money(debit)}, credit ${money(credit)}`);
    }
  }
  return { checked: names.size, violations };
};
