/** create, write, unlink with x2many commands. Rows go in one INSERT a batch. */

import { constraintOf, sqlState } from '../db/errors.ts';
import { num } from '../db/transaction.ts';
import { crash, missingError, missingRequired, typeError, validationError } from '../rpc/faults.ts';
import { applyCommands, type MultiCommands } from './commands.ts';
import type { Env } from './env.ts';
import { type FieldSpec, isNumeric, isStored, type ModelSpec, sqlType } from './fields.ts';
import { requireField } from './registry.ts';
import { ident } from './sql.ts';
import { isDict, PyFloat, repr, type Vals, type Value } from './value.ts';

const uniqueName = (model: ModelSpec, field: string): string => `${model.table}_${field}_uniq`;

export async function createRecords(env: Env, model: ModelSpec, vals: readonly Vals[]): Promise<readonly number[]> {
  if (vals.length === 0) return [];
  for (const item of vals) for (const name of Object.keys(item)) requireField(model, name);
  const base = (list: readonly Vals[]): Promise<readonly number[]> => insertRecords(env, model, list);
  return model.create ? await model.create(env, vals, base) : await base(vals);
}

async function insertRecords(env: Env, model: ModelSpec, given: readonly Vals[]): Promise<readonly number[]> {
  const filled = given.map((item) => withDefaults(env, model, item));
  const vals = model.prepareCreate ? await model.prepareCreate(env, filled) : filled;
  for (const item of vals) requireMandatory(model, item);
  const columns = Object.entries(model.fields).filter(
    ([name, field]) => isStored(field) && vals.some((item) => item[name] !== undefined),
  );
  const ids = await insertRows(env, model, columns, vals);
  await applyCommands(env, model, collectMulti(model, ids, vals));
  if (model.afterCreate) await model.afterCreate(env, ids, vals);
  return ids;
}

function withDefaults(env: Env, model: ModelSpec, vals: Vals): Vals {
  const filled: Record<string, Value> = {};
  for (const [name, field] of Object.entries(model.fields)) {
    if (vals[name] !== undefined || field.default === undefined) continue;
    filled[name] = typeof field.default === 'function' ? field.default(env) : field.default;
  }
  return { ...filled, ...vals };
}

function requireMandatory(model: ModelSpec, vals: Vals): void {
  for (const [name, field] of Object.entries(model.fields)) {
    if (!field.required || !isStored(field)) continue;
    const value = vals[name];
    const empty = value === undefined || value === null || (!isNumeric(field) && (value === false || value === ''));
    if (empty) throw missingRequired(model.label, model.name, field.label, name);
  }
}

async function insertRows(
  env: Env,
  model: ModelSpec,
  columns: readonly (readonly [string, FieldSpec])[],
  vals: readonly Vals[],
): Promise<readonly number[]> {
  const params: unknown[] = [
    env.uid,
    vals.length,
    ...columns.map(([name, field]) => vals.map((item) => toColumn(name, field, item[name]))),
  ];
  const names = ['create_uid', 'write_uid', 'create_date', 'write_date', ...columns.map(([name]) => name)].map(ident).join(', ');
  const arrays = columns.map(([, field], index) => `$${index + 3}::${sqlType(field)}[]`);
  const picks = columns.map((_, index) => `u.c${index}`);
  const source = `unnest(${['array_fill(0, ARRAY[$2::int])', ...arrays].join(', ')}) AS u(${['n', ...columns.map((_, index) => `c${index}`)].join(', ')})`;
  const stamp = "now() AT TIME ZONE 'UTC'";
  const sql = `INSERT INTO ${ident(model.table)} (${names}) SELECT ${['$1::int', '$1::int', stamp, stamp, ...picks].join(', ')} FROM ${source} RETURNING id`;
  const rows = await guarded(env, model, vals, () => env.tx.query(sql, params));
  return rows.map((row) => num(row, 'id'));
}

function toColumn(name: string, field: FieldSpec, value: Value | undefined): unknown {
  if (value === undefined || value === null) return null;
  if (field.type === 'boolean') return Boolean(value);
  if (value === false) return isNumeric(field) ? 0 : null;
  if (value instanceof PyFloat) return value.value;
  if (field.type === 'many2one') {
    const id = Array.isArray(value) ? value[0] : value;
    if (typeof id !== 'number')
      throw crash('psycopg2.errors.InvalidTextRepresentation', `invalid input syntax for type integer: ${repr(value)}`);
    return id;
  }
  if (isNumeric(field)) {
    const number = typeof value === 'boolean' ? Number(value) : typeof value === 'string' ? Number(value) : value;
    if (typeof number !== 'number')
      throw typeError(`float() argument must be a string or a real number, not '${Array.isArray(value) ? 'list' : 'dict'}'`);
    if (Number.isNaN(number)) throw crash('ValueError', `could not convert string to float: ${repr(value)}`);
    return field.type === 'integer' ? Math.trunc(number) : number;
  }
  if (Array.isArray(value) || isDict(value)) return JSON.stringify(value);
  if (field.type === 'selection' && field.selection && !field.selection.some(([key]) => key === value))
    throw crash('ValueError', `Wrong value for ${name}: ${repr(value)}`);
  if (field.type === 'datetime') return String(value).replace('T', ' ').slice(0, 19);
  if (field.type === 'date') return String(value).slice(0, 10);
  return String(value);
}

function collectMulti(model: ModelSpec, ids: readonly number[], vals: readonly Vals[]): readonly MultiCommands[] {
  return Object.entries(model.fields)
    .filter(([, field]) => field.type === 'one2many' || field.type === 'many2many')
    .flatMap(([name, field]) => {
      const given = vals.flatMap((item, index) => {
        const commands = item[name];
        const id = ids[index];
        return Array.isArray(commands) && commands.length > 0 && id !== undefined
          ? [{ id, commands: commands as readonly Value[] }]
          : [];
      });
      return given.length > 0 ? [{ field, given }] : [];
    });
}

export async function writeRecords(env: Env, model: ModelSpec, ids: readonly number[], vals: Vals): Promise<void> {
  for (const name of Object.keys(vals)) requireField(model, name);
  const base = (list: readonly number[], items: Vals): Promise<void> => updateRecords(env, model, list, items);
  if (model.write) await model.write(env, ids, vals, base);
  else await base(ids, vals);
}

async function updateRecords(env: Env, model: ModelSpec, ids: readonly number[], vals: Vals): Promise<void> {
  const unique = [...new Set(ids)];
  if (unique.length === 0) return;
  const columns = Object.entries(vals).flatMap(([name, value]) => {
    const field = model.fields[name];
    return field && isStored(field) ? [{ name, field, value }] : [];
  });
  for (const { name, field, value } of columns)
    if (field.required && (value === false || value === null) && field.type !== 'boolean' && !isNumeric(field))
      throw missingRequired(model.label, model.name, field.label, name);
  const sets = columns.map(({ name, field }, index) => `${ident(name)} = $${index + 3}::${sqlType(field)}`);
  const sql = `UPDATE ${ident(model.table)} SET ${[...sets, "write_uid = $2::int, write_date = now() AT TIME ZONE 'UTC'"].join(', ')} WHERE id = ANY($1::int[])`;
  const params = [unique, env.uid, ...columns.map(({ name, field, value }) => toColumn(name, field, value))];
  const changed = await guarded(env, model, [vals], () => env.tx.execute(sql, params));
  if (changed !== unique.length) throw missingError(model.name, await missingIds(env, model, unique), env.uid);
  const multi = unique.flatMap((id) => collectMulti(model, [id], [vals]));
  await applyCommands(env, model, multi);
}

export async function missingIds(env: Env, model: ModelSpec, ids: readonly number[]): Promise<readonly number[]> {
  const rows = await env.tx.query(`SELECT id FROM ${ident(model.table)} WHERE id = ANY($1::int[])`, [[...ids]]);
  const found = new Set(rows.map((row) => num(row, 'id')));
  return ids.filter((id) => !found.has(id));
}

export async function unlinkRecords(env: Env, model: ModelSpec, ids: readonly number[]): Promise<void> {
  const unique = [...new Set(ids)];
  if (unique.length === 0) return;
  const missing = await missingIds(env, model, unique);
  if (missing.length > 0) throw missingError(model.name, missing, env.uid);
  if (model.beforeUnlink) await model.beforeUnlink(env, unique);
  await guarded(env, model, [], () => env.tx.execute(`DELETE FROM ${ident(model.table)} WHERE id = ANY($1::int[])`, [unique]));
}

/** Constraint errors in Odoo's words. */
async function guarded<T>(env: Env, model: ModelSpec, vals: readonly Vals[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const state = sqlState(error);
    const constraint = constraintOf(error);
    if (state === '23505') {
      const unique = Object.entries(model.fields).find(([name]) => uniqueName(model, name) === constraint)?.[1].unique;
      throw validationError(
        `The operation cannot be completed: ${unique ?? `duplicate key value violates unique constraint "${constraint}"`}`,
      );
    }
    if (state !== '23503') throw error;
    const entry = Object.entries(model.fields).find(([name]) => constraint === `${model.table}_${name}_fkey`);
    if (!entry || vals.length === 0)
      throw validationError(
        `The operation cannot be completed: another model requires the record being deleted. If possible, archive it instead.\n\nModel: ${model.label} (${model.name})\nConstraint: ${constraint}`,
      );
    const [name, field] = entry;
    const ids = vals.map((item) => item[name]).filter((id): id is number => typeof id === 'number');
    throw missingError(field.relation ?? '', ids.slice(0, 1), env.uid);
  }
}
