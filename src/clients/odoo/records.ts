/** Typed looks at what Odoo's generic methods answer. All of them throw as `OdooPort.require` does. */
import { HarnessError } from '../../errors.ts';
import type { OdooPort, OdooValue } from '../ports.ts';

export type OdooRow = Readonly<Record<string, OdooValue>>;
export type Domain = readonly OdooValue[];

interface Waiting {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const PAGE_ROWS = 1000;

/** All rows that match, by ascending id, in pages that start after the last id seen (rows added meanwhile shift nothing). */
export async function* readRows(
  odoo: OdooPort,
  model: string,
  domain: Domain,
  fields: readonly string[],
  options: Waiting & { readonly pageRows?: number } = {},
): AsyncGenerator<OdooRow, void, void> {
  const limit = options.pageRows ?? PAGE_ROWS;
  for (let lastId = 0; ; ) {
    const page = rowsOf(
      await odoo.require(model, 'search_read', [[['id', '>', lastId], ...domain]], { fields, limit, order: 'id' }, options),
      `${model}.search_read`,
    );
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < limit) return;
    lastId = numberOf(last.id);
  }
}

/** The first match by id, or null. */
export async function readFirst(
  odoo: OdooPort,
  model: string,
  domain: Domain,
  fields: readonly string[],
  options: Waiting = {},
): Promise<OdooRow | null> {
  const kwargs = { fields, limit: 1, order: 'id' };
  const rows = rowsOf(await odoo.require(model, 'search_read', [domain], kwargs, options), `${model}.search_read`);
  return rows[0] ?? null;
}

export async function countRows(odoo: OdooPort, model: string, domain: Domain, options: Waiting = {}): Promise<number> {
  return numberOf(await odoo.require(model, 'search_count', [domain], {}, options));
}

/** Sums of `fields` by the id of the many2one `groupBy`. Rows without one are left out. */
export async function sumById(
  odoo: OdooPort,
  model: string,
  domain: Domain,
  request: { readonly fields: readonly string[]; readonly groupBy: string },
  options: Waiting = {},
): Promise<ReadonlyMap<number, Readonly<Record<string, number>>>> {
  const specs = request.fields.map((field) => `${field}:sum`);
  const answer = await odoo.require(model, 'read_group', [domain, specs, [request.groupBy]], { lazy: false }, options);
  const sums = new Map<number, Readonly<Record<string, number>>>();
  for (const row of rowsOf(answer, `${model}.read_group`)) {
    const id = many2oneId(row[request.groupBy]);
    if (id !== null) sums.set(id, Object.fromEntries(request.fields.map((field) => [field, numberOf(row[field])])));
  }
  return sums;
}

/** Sums of one field by the ids of two many2one fields, outer first. Rows without either are left out. */
export async function sumByTwo(
  odoo: OdooPort,
  model: string,
  domain: Domain,
  request: { readonly field: string; readonly groupBy: readonly [outer: string, inner: string] },
  options: Waiting = {},
): Promise<ReadonlyMap<number, ReadonlyMap<number, number>>> {
  const { field, groupBy } = request;
  const answer = await odoo.require(model, 'read_group', [domain, [`${field}:sum`], groupBy], { lazy: false }, options);
  const sums = new Map<number, Map<number, number>>();
  for (const row of rowsOf(answer, `${model}.read_group`)) {
    const [outer, inner] = [many2oneId(row[groupBy[0]]), many2oneId(row[groupBy[1]])];
    if (outer === null || inner === null) continue;
    const ofOuter = sums.get(outer) ?? new Map<number, number>();
    ofOuter.set(inner, numberOf(row[field]));
    sums.set(outer, ofOuter);
  }
  return sums;
}

/** Odoo says `false` for "no value"; a sum over nothing is one. */
export function numberOf(value: OdooValue | undefined): number {
  return typeof value === 'number' ? value : 0;
}

/** The id of a many2one, which reads as `[id, name]` or `false`. */
export function many2oneId(value: OdooValue | undefined): number | null {
  if (typeof value === 'number') return value;
  const [id] = isList(value) ? value : [];
  return typeof id === 'number' ? id : null;
}

/** The ids of an x2many. */
export function idsOf(value: OdooValue | undefined): readonly number[] {
  return isList(value) ? value.filter((id) => typeof id === 'number') : [];
}

export function rowsOf(value: OdooValue, what: string): readonly OdooRow[] {
  if (isList(value) && value.every(isRow)) return value;
  throw new HarnessError('ERR_ODOO_FAULT', `${what} answered no list of records`);
}

/** A record's fields: any value that is a struct. */
export function isRow(value: OdooValue | undefined): value is OdooRow {
  return typeof value === 'object' && value !== null && !isList(value);
}

export function isList(value: OdooValue | undefined): value is readonly OdooValue[] {
  return Array.isArray(value);
}

/** Slices of at most `size` items. */
export function* chunksOf<T>(items: readonly T[], size: number): Generator<readonly T[], void, void> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
