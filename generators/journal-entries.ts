import { createRandom, type Random } from './random.ts';
import type { Vocabulary } from './vocabulary.ts';

export type AccountRole = 'receivable' | 'payable' | 'revenue' | 'expense';

export interface JournalLineRecord {
  readonly account: AccountRole;
  readonly name: string;
  readonly debit: number;
  readonly credit: number;
}

export interface JournalEntryRecord {
  readonly number: number;
  /** 1 to 28: every month has it. */
  readonly dayOfMonth: number;
  readonly lines: readonly JournalLineRecord[];
}

/** What a retailer's month consists of: the account on each side. */
const PAIRS: readonly (readonly [debit: AccountRole, credit: AccountRole])[] = [
  ['receivable', 'revenue'],
  ['receivable', 'revenue'],
  ['expense', 'payable'],
  ['revenue', 'receivable'],
];

/** Entries that balance to the cent: one side in 1 to 4 lines, the other in one. */
export function* generateJournalEntries(
  count: number,
  seed: number,
  words: Vocabulary,
): Generator<JournalEntryRecord, void, void> {
  const random = createRandom(seed, 'journal-entries');
  for (let number = 1; number <= count; number += 1) {
    yield { number, dayOfMonth: random.between(1, 28), lines: drawLines(random, words) };
  }
}

function drawLines(random: Random, words: Vocabulary): readonly JournalLineRecord[] {
  const [debit, credit] = random.pick(PAIRS);
  const name = random.pick(words.expenses);
  const splits = random.between(1, 4);
  const lines: JournalLineRecord[] = [];
  let cents = 0;
  for (let split = 0; split < splits; split += 1) {
    const part = random.between(100, 250_000);
    cents += part;
    lines.push({ account: debit, name, debit: part / 100, credit: 0 });
  }
  lines.push({ account: credit, name, debit: 0, credit: cents / 100 });
  return lines;
}
