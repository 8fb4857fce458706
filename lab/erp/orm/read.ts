/** Rows as Odoo's `read` gives them: many2one as [id, name], False for no value, datetimes as text. */
import { num, type Row } from '../db/transaction.ts';
import type { Env } from './env.ts';
import { fieldSql, relationNameSql } from './expression.ts';
import type { FieldSpec, ModelSpec } from './fields.ts';
import { fieldNames, requireField } from './registry.ts';
import { orderSql, type Page, pageSql, whereSql } from './search.ts';
import { ident, resetAliases, SqlParams } from './sql.ts';
import { PyFloat, type Vals, type Value } from './value.ts';

export interface ReadOptions {
  /** False: many2one as plain ids (`load=''`). */
  readonly names?: boolean;
}

interface Selected {
  readonly name: string;
  readonly field: FieldSpec;
}

const isMulti = (field: FieldSpec): boolean => field.type === 'one2many' || field.type === 'many2many';

function selected(model: ModelSpec, fields: readonly string[]): readonly Selected[] {
  const names = fields.length > 0 ? fields : fieldNames(model);
  return [...new Set(names)].map((name) => ({ name, field: requireField(model, name) }));
}

function columnsSql(env: Env, model: ModelSpec, wanted: readonly Selected[], names: boolean): string {
  const columns = wanted
    .filter(({ name, field }) => name !== 'id' && !isMulti(field))
    .flatMap(({ name, field }) => {
      const sql = fieldSql(env.models, model, 't', name);
      const own = `${sql} AS ${ident(name)}`;
      if (field.type !== 'many2one' || !names || !field.relation) return [own];
      return [own, `${relationNameSql(env.models, field.relation, sql)} AS ${ident(`${name}__name`)}`];
    });
  return ['t.id', ...columns].join(', ');
}

function toValue(row: Row, { name, field }: Selected, names: boolean): Value {
  const raw = row[name];
  switch (field.type) {
    case 'many2one':
      if (raw === null || raw === undefined) return false;
      return names ? [Number(raw), String(row[`${name}__name`] ?? '')] : Number(raw);
    case 'integer':
      return Number(raw ?? 0);
    case 'float':
    case 'monetary':
      return new PyFloat(Number(raw ?? 0));
    case 'boolean':
      return raw === true;
    default:
      return raw === null || raw === undefined ? false : String(raw);
  }
}

async function multiValues(env: Env, field: FieldSpec, ids: readonly number[]): Promise<ReadonlyMap<number, readonly number[]>> {
  const other = env.models.require(field.relation ?? '');
  resetAliases();
  const order = orderSql(env, other, other.order);
  const active = 'active' in other.fields && env.context.active_test !== false ? 't.active AND ' : '';
  const params = [[...ids]];
  const sql =
    field.type === 'one2many'
      ? `SELECT t.${ident(field.inverse ?? '')} AS owner, t.id FROM ${ident(other.table)} t WHERE ${active}t.${ident(field.inverse ?? '')} = ANY($1::int[]) ORDER BY ${order}`
      : linkSql(field, other, active, order);
  const found = new Map<number, number[]>();
  for (const row of await env.tx.query(sql, params)) {
    const list = found.get(num(row, 'owner')) ?? [];
    list.push(num(row, 'id'));
    found.set(num(row, 'owner'), list);
  }
  return found;
}

function linkSql(field: FieldSpec, other: ModelSpec, active: string, order: string): string {
  const [table, own, foreign] = field.link ?? ['', '', ''];
  return `SELECT l.${ident(own)} AS owner, t.id FROM ${ident(table)} l JOIN ${ident(other.table)} t ON t.id = l.${ident(foreign)} WHERE ${active}l.${ident(own)} = ANY($1::int[]) ORDER BY ${order}`;
}

async function toRecords(env: Env, rows: readonly Row[], wanted: readonly Selected[], names: boolean): Promise<Vals[]> {
  const ids = rows.map((row) => num(row, 'id'));
  const multi = new Map<string, ReadonlyMap<number, readonly number[]>>();
  if (ids.length > 0)
    for (const { name, field } of wanted) if (isMulti(field)) multi.set(name, await multiValues(env, field, ids));
  return rows.map((row) => {
    const id = num(row, 'id');
    const record: Record<string, Value> = { id };
    for (const item of wanted) {
      if (item.name === 'id') continue;
      record[item.name] = isMulti(item.field) ? (multi.get(item.name)?.get(id) ?? []) : toValue(row, item, names);
    }
    return record;
  });
}

/** Missing ids are left out without a word, as Odoo does. Order of `ids` is kept. */
export async function readRecords(
  env: Env,
  model: ModelSpec,
  ids: readonly number[],
  fields: readonly string[],
  { names = true }: ReadOptions = {},
): Promise<readonly Vals[]> {
  resetAliases();
  const wanted = selected(model, fields);
  if (ids.length === 0) return [];
  const sql = `SELECT ${columnsSql(env, model, wanted, names)} FROM ${ident(model.table)} t WHERE t.id = ANY($1::int[])`;
  const rows = await env.tx.query(sql, [[...ids]]);
  const byId = new Map((await toRecords(env, rows, wanted, names)).map((record) => [Number(record.id), record]));
  return ids.map((id) => byId.get(id)).filter((record) => record !== undefined);
}

export async function searchRead(
  env: Env,
  model: ModelSpec,
  domain: Value,
  fields: readonly string[],
  page: Page,
  { names = true }: ReadOptions = {},
): Promise<readonly Vals[]> {
  resetAliases();
  const wanted = selected(model, fields);
  const params = new SqlParams();
  const columns = columnsSql(env, model, wanted, names);
  const where = whereSql(env, model, params, domain);
  const order = orderSql(env, model, page.order || model.order);
  const sql = `SELECT ${columns} FROM ${ident(model.table)} t WHERE ${where} ORDER BY ${order}${pageSql(params, page)}`;
  return await toRecords(env, await env.tx.query(sql, params.values), wanted, names);
}
