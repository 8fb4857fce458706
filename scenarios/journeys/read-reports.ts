/** The reads of a month end. Community Odoo has no report engine, so they are `read_group` over journal items. */
import type { Outcome } from '../../src/model/run-records.ts';
import type { OdooSession } from '../odoo/call.ts';
import { bool, decodeResult, int, isRecord, list, member, struct, term, text, texts } from '../odoo/xmlrpc.ts';

export interface Ledgers {
  readonly companyId: number;
  readonly receivableId: number;
}

const LINE = 'account.move.line';
const SUMS = texts(['debit:sum', 'credit:sum', 'balance:sum']);
const EAGER = struct([member('lazy', bool(false))]);

const posted = (ledgers: Ledgers) => [term('parent_state', '=', text('posted')), term('company_id', '=', int(ledgers.companyId))];

/** Fails when debits and credits of all posted entries differ by a cent or more. */
export function trialBalance(odoo: OdooSession, ledgers: Ledgers): Outcome {
  const answer = odoo.call({
    step: 'trial-balance',
    model: LINE,
    method: 'read_group',
    args: list([list(posted(ledgers)), SUMS, texts(['account_id'])]),
  });
  if (answer.outcome !== 'ok') return answer.outcome;
  const groups = decodeResult(answer.body);
  if (!Array.isArray(groups)) return 'fail';
  const balance = groups.reduce((sum, group) => sum + (isRecord(group) ? Number(group.balance ?? 0) : 0), 0);
  return Math.abs(balance) < 0.01 ? 'ok' : 'fail';
}

/** What customers owe, by customer and month due. */
export function agedReceivables(odoo: OdooSession, ledgers: Ledgers): Outcome {
  return odoo.call({
    step: 'aged-receivables',
    model: LINE,
    method: 'read_group',
    args: list([
      list([...posted(ledgers), term('account_id', '=', int(ledgers.receivableId)), term('reconciled', '=', bool(false))]),
      texts(['amount_residual:sum']),
      texts(['partner_id', 'date_maturity:month']),
    ]),
    kwargs: EAGER,
  }).outcome;
}

export function journalTotals(odoo: OdooSession, ledgers: Ledgers): Outcome {
  return odoo.call({
    step: 'journal-totals',
    model: LINE,
    method: 'read_group',
    args: list([list(posted(ledgers)), SUMS, texts(['journal_id', 'date:month'])]),
    kwargs: EAGER,
  }).outcome;
}

const REPORTS = [trialBalance, agedReceivables, journalTotals] as const;

/** The reports by turns. */
export function readReport(odoo: OdooSession, ledgers: Ledgers, turn: number): Outcome {
  return (REPORTS[turn % REPORTS.length] ?? trialBalance)(odoo, ledgers);
}
