/** One batch of the month end: entries created, posted, some reversed, the rest reconciled. And the period locked for a moment. */
import type { Outcome } from '../../src/model/run-records.ts';
import { type OdooSession, worseOf } from '../odoo/call.ts';
import {
  bool,
  createLine,
  decodeInt,
  decodeInts,
  decodeRows,
  double,
  int,
  ints,
  list,
  listOfList,
  member,
  replaceWith,
  struct,
  term,
  text,
  texts,
} from '../odoo/xmlrpc.ts';
import type { Random } from '../random.ts';

export interface Books {
  readonly companyId: number;
  readonly journalId: number;
  readonly receivableId: number;
  readonly revenueId: number;
  readonly expenseId: number;
}

export interface Entry {
  /** `ref`. */
  readonly key: string;
  readonly partnerId: number;
  readonly cents: number;
  /** A claim on the customer, or the payment that settles the claim before it. */
  readonly side: 'claim' | 'settlement';
}

export interface EntryBatch {
  readonly entries: readonly Entry[];
  /** The last ones of the batch; they stay out of the reconciliation. */
  readonly reversed: number;
}

export interface BatchPlan {
  /** Unique over runs. */
  readonly name: string;
  readonly entriesPerBatch: number;
  readonly reversalRatio: number;
  readonly partners: readonly number[];
}

/** Claims and settlements in pairs of one customer and amount, so that what is not reversed reconciles in full. */
export function planBatch(random: Random, plan: BatchPlan): EntryBatch {
  const count = plan.entriesPerBatch;
  const wanted = count * plan.reversalRatio;
  const reversed = Math.min(count, Math.floor(wanted) + (random.next() < wanted % 1 ? 1 : 0));
  const entries: Entry[] = [];
  for (let index = 0; index < count; index += 1) {
    const claim = index % 2 === 1 ? entries[index - 1] : undefined;
    entries.push({
      key: `${plan.name}-${index}`,
      partnerId: claim?.partnerId ?? plan.partners[random.below(plan.partners.length)] ?? 0,
      cents: claim?.cents ?? 100 + random.below(500_000),
      side: claim === undefined ? 'claim' : 'settlement',
    });
  }
  return { entries, reversed };
}

const MOVE = 'account.move';
const LINE = 'account.move.line';
const ZERO = double(0);

function encodeEntry(entry: Entry, books: Books, date: string): string {
  const amount = double(entry.cents / 100);
  const partner = member('partner_id', int(entry.partnerId));
  const isClaim = entry.side === 'claim';
  const other = int(isClaim ? books.revenueId : books.expenseId);
  const name = member('name', text(entry.key));
  const line = (account: string, debit: string, credit: string) =>
    createLine(struct([member('account_id', account), partner, member('debit', debit), member('credit', credit), name]));
  const receivable = int(books.receivableId);
  return struct([
    member('move_type', text('entry')),
    member('journal_id', int(books.journalId)),
    member('date', text(date)),
    member('ref', text(entry.key)),
    member(
      'line_ids',
      list(
        isClaim
          ? [line(receivable, amount, ZERO), line(other, ZERO, amount)]
          : [line(receivable, ZERO, amount), line(other, amount, ZERO)],
      ),
    ),
  ]);
}

/** `date`: `YYYY-MM-DD`. */
export function closeBatch(odoo: OdooSession, batch: EntryBatch, books: Books, date: string): Outcome {
  const keys = batch.entries.map((entry) => entry.key);
  const created = createEntries(odoo, batch, books, date, keys);
  if (created.outcome !== 'ok') return created.outcome;
  const posted = odoo.call({
    step: 'post',
    model: MOVE,
    method: 'action_post',
    args: list([ints(created.ids)]),
    effect: 'post',
    keys: keys.join(' '),
  });
  if (posted.outcome !== 'ok') return posted.outcome;
  const kept = batch.entries.length - batch.reversed;
  const reversed = batch.reversed === 0 ? 'ok' : reverse(odoo, created.ids.slice(kept), keys.slice(kept), books, date);
  // Only whole pairs settle each other.
  const paired = created.ids.slice(0, kept - (kept % 2));
  return worseOf(reversed, paired.length === 0 ? 'ok' : reconcile(odoo, paired, books));
}

interface Created {
  readonly outcome: Outcome;
  readonly ids: readonly number[];
}

function createEntries(odoo: OdooSession, batch: EntryBatch, books: Books, date: string, keys: readonly string[]): Created {
  const answer = odoo.call({
    step: 'create',
    model: MOVE,
    method: 'create',
    args: listOfList(batch.entries.map((entry) => encodeEntry(entry, books, date))),
    effect: 'create',
    keys: keys.join(' '),
  });
  if (answer.outcome !== 'unknown') {
    const ids = answer.outcome === 'ok' ? decodeInts(answer.body) : [];
    return answer.outcome === 'ok' && ids.length !== keys.length
      ? { outcome: 'unknown', ids: [] }
      : { outcome: answer.outcome, ids };
  }
  // No answer: the job looks for its entries by reference before it goes on, and never creates them again.
  odoo.pause(1_000);
  const found = odoo.call({
    step: 'find-entries',
    model: MOVE,
    method: 'search_read',
    args: list([list([term('ref', 'in', texts(keys))])]),
    kwargs: FOUND_FIELDS,
    effect: 'create',
    keys: keys.join(' '),
    shows: (body) => decodeRows(body).length >= keys.length,
  });
  const idOf = new Map(decodeRows(found.body).map((row) => [row.ref, row.id]));
  const ids = keys.map((key) => idOf.get(key)).filter((id) => typeof id === 'number');
  return found.outcome === 'ok' && ids.length === keys.length ? { outcome: 'ok', ids } : { outcome: 'unknown', ids: [] };
}

const FOUND_FIELDS = struct([member('fields', texts(['ref']))]);

function reverse(odoo: OdooSession, ids: readonly number[], keys: readonly string[], books: Books, date: string): Outcome {
  const wizard = odoo.call({
    step: 'reversal',
    model: 'account.move.reversal',
    method: 'create',
    args: list([
      struct([
        member('move_ids', list([replaceWith(ids)])),
        member('journal_id', int(books.journalId)),
        member('date', text(date)),
      ]),
    ]),
  });
  const id = decodeInt(wizard.body);
  if (wizard.outcome !== 'ok' || id === undefined) return wizard.outcome === 'ok' ? 'fail' : wizard.outcome;
  return odoo.call({
    step: 'reverse',
    model: 'account.move.reversal',
    method: 'refund_moves',
    args: list([ints([id])]),
    effect: 'reverse',
    keys: keys.join(' '),
  }).outcome;
}

const LINE_FIELDS = struct([member('fields', texts(['account_id']))]);

function reconcile(odoo: OdooSession, moves: readonly number[], books: Books): Outcome {
  const lines = odoo.call({
    step: 'open-lines',
    model: LINE,
    method: 'search_read',
    args: list([
      list([
        term('move_id', 'in', ints(moves)),
        term('account_id', '=', int(books.receivableId)),
        term('reconciled', '=', bool(false)),
      ]),
    ]),
    kwargs: LINE_FIELDS,
  });
  if (lines.outcome !== 'ok') return lines.outcome;
  const ids = decodeRows(lines.body)
    .map((row) => row.id)
    .filter((id) => typeof id === 'number');
  if (ids.length === 0) return 'fail';
  const open = () => {
    const answer = odoo.call({
      step: 'check-reconciled',
      model: LINE,
      method: 'search_count',
      args: list([list([term('id', 'in', ints(ids)), term('reconciled', '=', bool(false))])]),
    });
    return answer.outcome === 'ok' ? decodeInt(answer.body) : undefined;
  };
  return odoo.callReturningNone(
    { step: 'reconcile', model: LINE, method: 'reconcile', args: list([ints(ids)]) },
    () => open() === 0,
  ).outcome;
}

const COMPANY = 'res.company';
const LOCK_FIELDS = struct([member('fields', texts(['fiscalyear_lock_date']))]);

/** The company's lock date, '' for none; `undefined` when it could not be read. */
export function readLockDate(odoo: OdooSession, companyId: number): string | undefined {
  const answer = odoo.call({
    step: 'read-lock',
    model: COMPANY,
    method: 'read',
    args: list([ints([companyId])]),
    kwargs: LOCK_FIELDS,
  });
  const row = decodeRows(answer.body)[0];
  if (answer.outcome !== 'ok' || row === undefined) return undefined;
  return typeof row.fiscalyear_lock_date === 'string' ? row.fiscalyear_lock_date : '';
}

export function writeLockDate(odoo: OdooSession, companyId: number, date: string, step: string): Outcome {
  const value = struct([member('fiscalyear_lock_date', date === '' ? bool(false) : text(date))]);
  return odoo.call({ step, model: COMPANY, method: 'write', args: list([ints([companyId]), value]) }).outcome;
}

/**
 * Locks a period that is long over, takes its trial balance, and opens it again. Never `hard_lock_date`, which nothing removes.
 * A lock that is already later stays: setting ours would open what is closed.
 */
export function lockPeriod(odoo: OdooSession, companyId: number, lastDay: string, balance: () => Outcome): Outcome {
  const before = readLockDate(odoo, companyId);
  if (before === undefined) return 'fail';
  if (before >= lastDay) return balance();
  const locked = writeLockDate(odoo, companyId, lastDay, 'lock');
  const read = locked === 'ok' ? balance() : locked;
  const opened = locked === 'fail' ? 'ok' : writeLockDate(odoo, companyId, before, 'unlock');
  return worseOf(read, opened);
}

/** Last day of the month before the one before `date` (`YYYY-MM-DD`): closed everywhere. */
export function closedMonthEnd(date: string): string {
  const [year = 1970, month = 1] = date.split('-').map(Number);
  return new Date(Date.UTC(year, month - 2, 0)).toISOString().slice(0, 10);
}
