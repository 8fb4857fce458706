import { type Domain, readRows } from '../clients/odoo/records.ts';
import type { OdooPort, OdooValue } from '../clients/ports.ts';
import { HarnessError } from '../errors.ts';

/** What is being seeded, and how far it is. */
export interface SeedProgress {
  readonly what: string;
  readonly done: number;
  readonly total: number;
}

export interface Seeding {
  readonly odoo: OdooPort;
  readonly onProgress: (progress: SeedProgress) => void;
  readonly signal?: AbortSignal;
}

export interface WantedRecords {
  /** Plural, for the progress: `products`. */
  readonly what: string;
  readonly model: string;
  /** Field that holds the code. With `codeIsFirstWord` the code is its first word. */
  readonly codeField: string;
  readonly codeIsFirstWord?: boolean;
  /** What all codes of this kind start with. */
  readonly prefix: string;
  /** Further terms that they fulfil, for codes that are unique among these only. */
  readonly among?: Domain;
  readonly total: number;
  readonly records: Iterable<{ readonly code: string; readonly values: Readonly<Record<string, OdooValue>> }>;
  /** Fields that are left out when the target does not have them. */
  readonly optionalFields?: readonly string[];
  readonly batchSize: number;
}

/** A batch of records with their computed fields may take Odoo much longer than a call of the load. */
export const SEED_TIMEOUT_MS = 180_000;

/** Ids by code of what is there. Of a code that exists twice, the older. */
export async function findByCode(
  odoo: OdooPort,
  wanted: Pick<WantedRecords, 'model' | 'codeField' | 'codeIsFirstWord' | 'prefix' | 'among'>,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  const domain: Domain = [[wanted.codeField, '=like', `${wanted.prefix}%`], ...(wanted.among ?? [])];
  for await (const row of readRows(odoo, wanted.model, domain, [wanted.codeField], { timeoutMs: SEED_TIMEOUT_MS, ...options })) {
    const text = String(row[wanted.codeField]);
    const code = wanted.codeIsFirstWord === true ? (text.split(' ', 1)[0] ?? '') : text;
    if (typeof row.id === 'number' && !found.has(code)) found.set(code, row.id);
  }
  return found;
}

/**
 * Creates the records whose code is not there yet, in batches, and gives the ids of all. A batch is one transaction of Odoo's:
 * after a kill it is there or not, and the next run goes on from there.
 */
export async function ensureRecords({ odoo, onProgress, signal }: Seeding, wanted: WantedRecords): Promise<Map<string, number>> {
  const waiting = signal === undefined ? {} : { signal };
  let found = await findByCode(odoo, wanted, waiting);
  const missing = await fieldsMissing(odoo, wanted, waiting);
  let done = 0;
  let batch: { readonly code: string; readonly values: Readonly<Record<string, OdooValue>> }[] = [];
  const flush = async (): Promise<void> => {
    signal?.throwIfAborted();
    const open = batch.filter(({ code }) => !found.has(code));
    done += batch.length;
    batch = [];
    if (open.length > 0) {
      const values = open.map((record) => without(record.values, missing));
      try {
        const ids = await odoo.require(wanted.model, 'create', [values], {}, { timeoutMs: SEED_TIMEOUT_MS, ...waiting });
        for (const [index, id] of (ids as readonly number[]).entries()) found.set(open[index]?.code ?? '', id);
      } catch (error) {
        // A killed seeding's last batch may have been committed after we looked: then the codes are there by now.
        const again = await findByCode(odoo, wanted, waiting);
        if (!open.every(({ code }) => again.has(code))) throw seedError(wanted, open[0]?.code ?? '', error);
        found = again;
      }
    }
    onProgress({ what: wanted.what, done, total: wanted.total });
  };
  for (const record of wanted.records) {
    batch.push(record);
    if (batch.length >= wanted.batchSize) await flush();
  }
  await flush();
  return found;
}

async function fieldsMissing(
  odoo: OdooPort,
  { model, optionalFields }: WantedRecords,
  waiting: { readonly signal?: AbortSignal },
): Promise<ReadonlySet<string>> {
  if (optionalFields === undefined) return new Set();
  const fields = await odoo.require(model, 'fields_get', [optionalFields, ['type']], {}, waiting);
  const known = typeof fields === 'object' && fields !== null ? fields : {};
  return new Set(optionalFields.filter((name) => !(name in known)));
}

function without(values: Readonly<Record<string, OdooValue>>, missing: ReadonlySet<string>): Readonly<Record<string, OdooValue>> {
  if (missing.size === 0) return values;
  return Object.fromEntries(Object.entries(values).filter(([name]) => !missing.has(name)));
}

function seedError({ model, what }: WantedRecords, code: string, error: unknown): unknown {
  if (!(error instanceof HarnessError)) return error;
  return new HarnessError(error.code, `seeding ${what} (${model}, from ${code} on) failed: ${error.message}`, {
    hint: error.hint ?? 'correct what the message names and seed again: it goes on where it stopped',
    cause: error,
  });
}

export function* mapped<From, To>(items: Iterable<From>, to: (item: From) => To): Generator<To, void, void> {
  for (const item of items) yield to(item);
}
