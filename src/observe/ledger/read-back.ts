import { chunksOf, many2oneId, type OdooRow, readRows } from '../../clients/odoo/records.ts';
import type { OdooPort } from '../../clients/ports.ts';
import { HarnessError } from '../../errors.ts';
import type { LedgerGap, LedgerModel, LedgerReadBack, LedgerWrite } from '../../model/run-records.ts';
import { Patience, type PatienceOptions } from './patience.ts';

/** Field of each model that carries the business key. */
export const KEY_FIELDS: Readonly<Record<Exclude<LedgerModel, 'redis.session'>, string>> = {
  'sale.order': 'client_order_ref',
  'pos.order': 'uuid',
  'account.move': 'ref',
};

/** State that a read-back adds for an entry that has a reversal: Odoo leaves the entry itself `posted`. */
export const REVERSED = 'reversed';

export interface ReadBackOptions extends PatienceOptions {
  /** 1 or 2. */
  readonly pass: number;
  /** Keys asked for at once. */
  readonly batchKeys?: number;
}

const BATCH_KEYS = 200;
const CALL_TIMEOUT_MS = 30_000;

/**
 * Looks every key of the writes up on the target, once each, and gives one row a key: how many records carry it, and their
 * states. A batch that cannot be read becomes a gap; its keys get no row, which is not the same as absent.
 */
export async function* readBack(
  odoo: OdooPort,
  writes: readonly LedgerWrite[],
  options: ReadBackOptions,
): AsyncGenerator<LedgerReadBack | LedgerGap, void, void> {
  const patience = new Patience(options);
  for (const model of Object.keys(KEY_FIELDS) as (keyof typeof KEY_FIELDS)[]) {
    const ofModel = writes.filter((write) => write.model === model);
    const reversed = new Set(ofModel.flatMap(({ effect, key }) => (effect === 'reverse' ? [key] : [])));
    const keys = [...new Set(ofModel.map(({ key }) => key))];
    for (const batch of chunksOf(keys, options.batchKeys ?? BATCH_KEYS)) {
      options.signal?.throwIfAborted();
      yield* readBatch(odoo, { model, keys: batch, reversed }, { ...options, patience });
    }
  }
}

interface Batch {
  readonly model: keyof typeof KEY_FIELDS;
  readonly keys: readonly string[];
  /** Keys whose entry was told to be reversed. */
  readonly reversed: ReadonlySet<string>;
}

async function* readBatch(
  odoo: OdooPort,
  batch: Batch,
  { clock, pass, patience }: ReadBackOptions & { readonly patience: Patience },
): AsyncGenerator<LedgerReadBack | LedgerGap, void, void> {
  const { model, keys } = batch;
  let found: ReadonlyMap<string, readonly string[]>;
  try {
    found = await patience.read(() => fetchStates(odoo, batch));
  } catch (error) {
    if (!(error instanceof HarnessError)) throw error;
    const detail = `${keys.length} keys, ${keys[0]} to ${keys.at(-1)}: ${error.message}`;
    yield { row: 'gap', at: clock.now(), what: `read-back ${pass} of ${model}`, detail };
    return;
  }
  const at = clock.now();
  for (const key of keys) {
    const states = found.get(key) ?? [];
    const count = states.filter((state) => state !== REVERSED).length;
    yield { row: 'read-back', pass, at, key, model, count, states };
  }
}

/** States of the records of each key. */
async function fetchStates(odoo: OdooPort, { model, keys, reversed }: Batch): Promise<ReadonlyMap<string, readonly string[]>> {
  const field = KEY_FIELDS[model];
  const rows: OdooRow[] = [];
  const waiting = { timeoutMs: CALL_TIMEOUT_MS };
  for await (const row of readRows(odoo, model, [[field, 'in', keys]], [field, 'state'], waiting)) rows.push(row);
  const reversals = await fetchReversed(
    odoo,
    rows.filter((row) => reversed.has(String(row[field]))),
  );
  const states = new Map<string, string[]>();
  for (const row of rows) {
    const ofKey = states.get(String(row[field])) ?? [];
    ofKey.push(String(row.state));
    if (reversals.has(Number(row.id))) ofKey.push(REVERSED);
    states.set(String(row[field]), ofKey);
  }
  return states;
}

/** Which of these entries have a reversal. */
async function fetchReversed(odoo: OdooPort, entries: readonly OdooRow[]): Promise<ReadonlySet<number>> {
  const reversed = new Set<number>();
  if (entries.length === 0) return reversed;
  const ids = entries.map(({ id }) => id ?? 0);
  const waiting = { timeoutMs: CALL_TIMEOUT_MS };
  for await (const row of readRows(odoo, 'account.move', [['reversed_entry_id', 'in', ids]], ['reversed_entry_id'], waiting)) {
    reversed.add(many2oneId(row.reversed_entry_id) ?? 0);
  }
  return reversed;
}
