/** read_group: groups by fields or `date:granularity`, aggregates `field:function`, answers with `__domain` as Odoo does. */
import type { Row } from '../db/transaction.ts';
import { userError, valueError } from '../rpc/faults.ts';
import { type DateStep, dateBounds, dateLabel, isDateStep } from './date-groups.ts';
import type { Env } from './env.ts';
import { fieldSql, relationNameSql } from './expression.ts';
import { type FieldSpec, isNumeric, type ModelSpec } from './fields.ts';
import { requireField } from './registry.ts';
import { type Page, pageSql, whereSql } from './search.ts';
import { ident, resetAliases, SqlParams } from './sql.ts';
import { PyFloat, type Vals, type Value } from './value.ts';

const FUNCTIONS: Readonly<Record<string, (sql: string) => string>> = {
  sum: (sql) => `COALESCE(SUM(${sql}), 0)`,
  avg: (sql) => `AVG(${sql})`,
  min: (sql) => `MIN(${sql})`,
  max: (sql) => `MAX(${sql})`,
  count: (sql) => `COUNT(${sql})::int`,
  count_distinct: (sql) => `COUNT(DISTINCT ${sql})::int`,
  array_agg: (sql) => `ARRAY_AGG(${sql})`,
  bool_and: (sql) => `BOOL_AND(${sql})`,
  bool_or: (sql) => `BOOL_OR(${sql})`,
};

interface Group {
  /** As asked for: `journal_id`, `date:month`. */
  readonly spec: string;
  readonly name: string;
  readonly field: FieldSpec;
  readonly step: DateStep | null;
  readonly sql: string;
}

interface Aggregate {
  readonly alias: string;
  readonly name: string;
  readonly field: FieldSpec;
  readonly fn: string;
}

export interface GroupQuery {
  readonly domain: Value;
  readonly fields: readonly string[];
  readonly groupby: readonly string[];
  readonly lazy: boolean;
  readonly page: Page;
}

function parseGroup(env: Env, model: ModelSpec, spec: string): Group {
  const [name = '', granularity] = spec.split(':');
  const field = requireField(model, name);
  const isDate = field.type === 'date' || field.type === 'datetime';
  const step = isDate ? (granularity ?? 'month') : null;
  if ((step !== null && !isDateStep(step)) || (!isDate && granularity !== undefined))
    throw valueError(`Invalid granularity in groupby ${spec}`);
  if (field.type === 'one2many')
    throw userError(`Fields in 'groupby' must be database-persisted fields (no computed fields): ${spec}`);
  const column = fieldSql(env.models, model, 't', name);
  return {
    spec,
    name,
    field,
    step: step as DateStep | null,
    sql: step === null ? column : `date_trunc('${step}', ${column}::timestamp)`,
  };
}

function parseAggregates(model: ModelSpec, specs: readonly string[], grouped: ReadonlySet<string>): readonly Aggregate[] {
  return specs.flatMap((spec) => {
    if (spec === '__count') return [];
    const match = /^(\w+)(?::(\w+)(?:\((\w+)\))?)?$/.exec(spec);
    if (!match) throw userError(`Invalid field specification '${spec}'.`);
    const [, alias = '', fn, inner] = match;
    const name = inner ?? alias;
    const field = requireField(model, name);
    if (fn === undefined && (grouped.has(name) || !isNumeric(field) || name === 'id')) return [];
    const chosen = fn ?? 'sum';
    if (!Object.hasOwn(FUNCTIONS, chosen)) throw userError(`Invalid aggregation function '${chosen}'.`);
    return [{ alias, name, field, fn: chosen }];
  });
}

function aggregateValue(raw: unknown, { field, fn }: Aggregate): Value {
  if (fn === 'count' || fn === 'count_distinct') return Number(raw ?? 0);
  if (Array.isArray(raw)) return raw.map((item) => (item === null ? false : isNumeric(field) ? Number(item) : String(item)));
  if (raw === null || raw === undefined) return false;
  if (field.type === 'float' || field.type === 'monetary' || fn === 'avg') return new PyFloat(Number(raw));
  if (typeof raw === 'boolean') return raw;
  return isNumeric(field) ? Number(raw) : String(raw);
}

function groupValue(
  row: Row,
  group: Group,
  index: number,
): { readonly value: Value; readonly leaves: readonly Value[]; readonly range?: Value } {
  const raw = row[`g${index}`];
  const { field, name, step } = group;
  if (raw === null || raw === undefined)
    return { value: false, leaves: [[name, '=', false]], ...(step === null ? {} : { range: false }) };
  if (step !== null) {
    const bounds = dateBounds(String(raw), step, field.type === 'datetime');
    return {
      value: dateLabel(String(raw), step),
      leaves: ['&', [name, '>=', bounds.from], [name, '<', bounds.to]],
      range: { from: bounds.from, to: bounds.to },
    };
  }
  if (field.type === 'many2one') {
    const id = Number(raw);
    return { value: [id, String(row[`g${index}_name`] ?? '')], leaves: [[name, '=', id]] };
  }
  const value = isNumeric(field)
    ? field.type === 'integer'
      ? Number(raw)
      : new PyFloat(Number(raw))
    : raw === true || raw === false
      ? raw
      : String(raw);
  return { value, leaves: [[name, '=', value]] };
}

function groupOrder(groups: readonly Group[], aggregates: readonly Aggregate[], order: string | undefined): string {
  const natural = groups.map((group, index) => (group.field.type === 'many2one' ? `g${index}_name` : `g${index}`));
  if (!order) return natural.join(', ');
  return order
    .split(',')
    .map((part) => {
      const [spec = '', direction = 'asc'] = part.trim().split(/\s+/);
      const suffix = direction.toLowerCase() === 'desc' ? 'DESC' : 'ASC';
      const group = groups.findIndex((item) => item.spec === spec || item.name === spec);
      if (group >= 0) return `${natural[group]} ${suffix}`;
      const aggregate = aggregates.findIndex((item) => item.alias === spec.split(':')[0]);
      if (aggregate >= 0) return `a${aggregate} ${suffix}`;
      if (spec === '__count') return `n ${suffix}`;
      throw valueError(`Invalid order ${part} for read_group()`);
    })
    .join(', ');
}

export async function readGroup(env: Env, model: ModelSpec, query: GroupQuery): Promise<readonly Vals[]> {
  resetAliases();
  const params = new SqlParams();
  const specs = query.lazy ? query.groupby.slice(0, 1) : query.groupby;
  const groups = specs.map((spec) => parseGroup(env, model, spec));
  const aggregates = parseAggregates(model, query.fields, new Set(groups.map((group) => group.name)));
  const many = (group: Group, index: number): string =>
    group.field.type === 'many2one' && group.field.relation
      ? `, ${relationNameSql(env.models, group.field.relation, `s.g${index}`)} AS g${index}_name`
      : '';
  const inner = [
    ...groups.map((group, index) => `${group.sql} AS g${index}`),
    ...aggregates.map(
      (item, index) => `${(FUNCTIONS[item.fn] ?? String)(fieldSql(env.models, model, 't', item.name))} AS a${index}`,
    ),
    'COUNT(*)::int AS n',
  ].join(', ');
  const where = whereSql(env, model, params, query.domain);
  const by = groups.length > 0 ? ` GROUP BY ${groups.map((_, index) => index + 1).join(', ')}` : '';
  // Names are looked up after grouping: once a group instead of once a row.
  const order = groupOrder(groups, aggregates, query.page.order);
  const sql = `SELECT * FROM (SELECT s.*${groups.map(many).join('')} FROM (SELECT ${inner} FROM ${ident(model.table)} t WHERE ${where}${by}) s) r${order === '' ? '' : ` ORDER BY ${order}`}${pageSql(params, query.page)}`;
  const rows = await env.tx.query(sql, params.values);
  return rows.map((row) => groupRecord(row, groups, aggregates, query));
}

function groupRecord(row: Row, groups: readonly Group[], aggregates: readonly Aggregate[], query: GroupQuery): Vals {
  const record: Record<string, Value> = {};
  const ranges: Record<string, Value> = {};
  const leaves: Value[] = [];
  groups.forEach((group, index) => {
    const { value, leaves: own, range } = groupValue(row, group, index);
    record[group.spec] = value;
    leaves.push(...own);
    if (range !== undefined) ranges[group.spec] = range;
  });
  aggregates.forEach((item, index) => {
    record[item.alias] = aggregateValue(row[`a${index}`], item);
  });
  const first = groups[0];
  record[query.lazy && first ? `${first.name}_count` : '__count'] = Number(row.n ?? 0);
  if (Object.keys(ranges).length > 0) record.__range = ranges;
  const given = Array.isArray(query.domain) ? query.domain : [];
  // An explicit `&` per extra leaf keeps an `|` at the head of the given domain apart from the group's own leaves.
  record.__domain = groups.length === 0 ? given : [...andAll(leaves, given), ...given];
  if (query.lazy && query.groupby.length > 1) record.__context = { group_by: query.groupby.slice(1) };
  return record;
}

function andAll(leaves: readonly Value[], given: readonly Value[]): readonly Value[] {
  const needsAnd = given.some((token) => token === '|' || token === '!' || token === '&');
  return needsAnd ? ['&', ...conjunction(leaves)] : leaves;
}

function conjunction(leaves: readonly Value[]): readonly Value[] {
  const plain = leaves.filter((leaf) => leaf !== '&');
  return [...Array<Value>(Math.max(0, plain.length - 1)).fill('&'), ...plain];
}
