/** Odoo search domains (prefix notation) to SQL conditions. */
import { typeError, valueError } from '../rpc/faults.ts';
import type { Registry } from './env.ts';
import { fieldSql } from './expression.ts';
import { type FieldSpec, isNumeric, type ModelSpec } from './fields.ts';
import { fieldOf } from './registry.ts';
import { ident, nextAlias, type SqlParams } from './sql.ts';
import { asNumber, PyFloat, repr, type Value } from './value.ts';

type Leaf = readonly [string | number, string, Value];
type Token = '&' | '|' | '!' | Leaf;
type Combine = '&' | '|';

export interface DomainScope {
  readonly models: Registry;
  readonly params: SqlParams;
}

const OPERATORS = new Set([
  '=',
  '!=',
  '<>',
  '==',
  '>',
  '>=',
  '<',
  '<=',
  'in',
  'not in',
  'like',
  'not like',
  'ilike',
  'not ilike',
  '=like',
  '=ilike',
  'child_of',
  'any',
  'not any',
]);

function parse(domain: Value): readonly Token[] {
  if (domain === false || domain === null) return [];
  if (!Array.isArray(domain)) throw typeError(`Domain must be a list, not ${repr(domain)}`);
  return domain.map((token): Token => {
    if (token === '&' || token === '|' || token === '!') return token;
    if (!Array.isArray(token) || token.length !== 3) throw valueError(`Invalid leaf ${repr(token as Value)}`);
    const [field, operator, value] = token as readonly Value[];
    if (
      typeof operator !== 'string' ||
      !OPERATORS.has(operator.toLowerCase()) ||
      (typeof field !== 'string' && typeof field !== 'number')
    )
      throw valueError(`Invalid leaf ${repr(token as Value)}`);
    return [field, operator.toLowerCase(), value ?? null];
  });
}

/** Names of the fields that the domain mentions at its top level; tells whether `active` is asked for. */
export function mentionedFields(domain: Value): ReadonlySet<string> {
  return new Set(parse(domain).flatMap((token) => (Array.isArray(token) ? [String(token[0]).split('.')[0] ?? ''] : [])));
}

/** `TRUE` for an empty domain. */
export function domainSql(scope: DomainScope, model: ModelSpec, alias: string, domain: Value): string {
  const tokens = parse(domain);
  if (tokens.length === 0) return 'TRUE';
  let at = 0;
  const read = (): string => {
    const token = tokens[at];
    at += 1;
    if (token === undefined) throw valueError(`Domain ${repr(domain)} is malformed`);
    if (token === '!') return `(NOT ${read()})`;
    if (token === '&' || token === '|') return combine(token, read(), read());
    return leafSql(scope, model, alias, token as Leaf);
  };
  const parts: string[] = [];
  while (at < tokens.length) parts.push(read());
  return parts.reduce((left, right) => combine('&', left, right));
}

const combine = (operator: Combine, left: string, right: string): string =>
  `(${left} ${operator === '&' ? 'AND' : 'OR'} ${right})`;

function leafSql(scope: DomainScope, model: ModelSpec, alias: string, leaf: Leaf): string {
  const [path, operator, value] = leaf;
  if (typeof path === 'number') return path === asNumber(value) ? 'TRUE' : 'FALSE';
  const [first = '', ...rest] = path.split('.');
  const field = fieldOf(model, first);
  if (!field)
    throw valueError(`Invalid field ${model.name}.${path} in leaf ${`(${repr(path)}, ${repr(operator)}, ${repr(value)})`}`);
  if (rest.length > 0) return throughSql(scope, model, alias, first, field, [[rest.join('.'), operator, value]]);
  if (operator === 'any' || operator === 'not any') {
    const inner = throughSql(scope, model, alias, first, field, value);
    return operator === 'any' ? inner : `(NOT ${inner})`;
  }
  if (field.type === 'one2many' || field.type === 'many2many')
    return x2manySql(scope, model, alias, first, field, operator, value);
  if (field.related)
    return throughSql(scope, model, alias, field.related[0], fieldOf(model, field.related[0]), [
      [field.related[1], operator, value],
    ]);
  const column = fieldSql(scope.models, model, alias, first);
  if (operator === 'child_of') return childOfSql(scope, model, first, field, column, value);
  if (field.type === 'many2one' && isNameSearch(operator, value)) return nameSql(scope, field, column, operator, value);
  return compareSql(scope, field, column, operator, value);
}

const isNameSearch = (operator: string, value: Value): boolean =>
  typeof value === 'string' ||
  operator.includes('like') ||
  (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string'));

function nameSql(scope: DomainScope, field: FieldSpec, column: string, operator: string, value: Value): string {
  const other = scope.models.require(field.relation ?? '');
  const inner = nextAlias();
  const negative = operator === '!=' || operator.startsWith('not ');
  const positive = operator === '!=' ? '=' : operator.replace(/^not /, '');
  const text: FieldSpec = { type: 'char', label: '' };
  const found = `${column} IN (SELECT ${inner}.id FROM ${ident(other.table)} ${inner} WHERE ${compareSql(scope, text, other.display(inner), positive, value)})`;
  return negative ? `(NOT (${found}) OR ${column} IS NULL)` : found;
}

/** Rows related through `name` that satisfy `domain`. */
function throughSql(
  scope: DomainScope,
  model: ModelSpec,
  alias: string,
  name: string,
  field: FieldSpec | undefined,
  domain: Value,
): string {
  const other = field?.relation === undefined ? undefined : scope.models.require(field.relation);
  if (!field || !other) throw valueError(`Invalid field ${model.name}.${name} in leaf: it is not relational`);
  const inner = nextAlias();
  const condition = domainSql(scope, other, inner, domain);
  if (field.type === 'one2many' && field.inverse)
    return `${alias}.id IN (SELECT ${fieldSql(scope.models, other, inner, field.inverse)} FROM ${ident(other.table)} ${inner} WHERE ${condition})`;
  if (field.type === 'many2many' && field.link) {
    const [table, own, foreign] = field.link;
    return `${alias}.id IN (SELECT ${ident(own)} FROM ${ident(table)} WHERE ${ident(foreign)} IN (SELECT ${inner}.id FROM ${ident(other.table)} ${inner} WHERE ${condition}))`;
  }
  return `${fieldSql(scope.models, model, alias, name)} IN (SELECT ${inner}.id FROM ${ident(other.table)} ${inner} WHERE ${condition})`;
}

function x2manySql(
  scope: DomainScope,
  model: ModelSpec,
  alias: string,
  name: string,
  field: FieldSpec,
  operator: string,
  value: Value,
): string {
  const negative = operator === '!=' || operator.startsWith('not ');
  const empty = value === false || value === null || (Array.isArray(value) && value.length === 0);
  if (empty) {
    const any = throughSql(scope, model, alias, name, field, []);
    // `!= False`: has some; `= False`: has none; `in []`: nothing can be in it.
    if (operator === 'in') return 'FALSE';
    if (operator === 'not in') return 'TRUE';
    return negative ? any : `(NOT ${any})`;
  }
  const leaf: Value =
    operator.includes('like') || typeof value === 'string'
      ? [['display_name', operator.replace(/^not /, '').replace('!=', '='), value]]
      : [['id', 'in', Array.isArray(value) ? value : [value]]];
  const found = throughSql(scope, model, alias, name, field, leaf);
  return negative ? `(NOT ${found})` : found;
}

function childOfSql(scope: DomainScope, model: ModelSpec, name: string, field: FieldSpec, column: string, value: Value): string {
  const tree = name === 'id' ? model : scope.models.require(field.relation ?? '');
  const ids = scope.params.add((Array.isArray(value) ? value : [value]).filter((id) => typeof id === 'number'));
  if (!tree.parent) return `${column} = ANY(${ids}::int[])`;
  const table = ident(tree.table);
  return `${column} IN (WITH RECURSIVE below(id) AS (SELECT unnest(${ids}::int[]) UNION SELECT c.id FROM ${table} c JOIN below b ON c.${ident(tree.parent)} = b.id) SELECT id FROM below)`;
}

function plain(value: Value): unknown {
  return value instanceof PyFloat ? value.value : value;
}

function falsyLiteral(field: FieldSpec): string | null {
  if (field.type === 'boolean') return 'FALSE';
  if (isNumeric(field)) return '0';
  return null;
}

function compareSql(scope: DomainScope, field: FieldSpec, column: string, operator: string, value: Value): string {
  const { params } = scope;
  switch (operator) {
    case '=':
    case '==':
      if (Array.isArray(value)) return compareSql(scope, field, column, 'in', value);
      if (value === false || value === null) return isFalseSql(field, column);
      return `${column} = ${typed(params, field, value)}`;
    case '!=':
    case '<>':
      if (Array.isArray(value)) return compareSql(scope, field, column, 'not in', value);
      if (value === false || value === null) return `(NOT ${isFalseSql(field, column)})`;
      return `(${column} IS NULL OR ${column} != ${typed(params, field, value)})`;
    case 'in':
    case 'not in':
      return inSql(scope, field, column, operator === 'in', value);
    case '>':
    case '>=':
    case '<':
    case '<=':
      if (value === false || value === null) return 'FALSE';
      return `${column} ${operator} ${typed(params, field, value)}`;
    case 'any':
    case 'not any':
    case 'child_of':
      throw valueError(`Invalid operator ${repr(operator)} on a field that is not relational`);
    default:
      return likeSql(params, column, operator, value);
  }
}

function likeSql(params: SqlParams, column: string, operator: string, value: Value): string {
  const negative = operator.startsWith('not ');
  const bare = operator.replace(/^not /, '');
  const pattern = bare.startsWith('=')
    ? String(plain(value))
    : `%${value === false || value === null ? '' : String(plain(value))}%`;
  const sql = `${column}::text ${bare.endsWith('ilike') ? 'ILIKE' : 'LIKE'} ${params.add(pattern)}`;
  return negative ? `(${column} IS NULL OR NOT (${sql}))` : sql;
}

function isFalseSql(field: FieldSpec, column: string): string {
  const literal = falsyLiteral(field);
  return literal === null ? `(${column} IS NULL)` : `(${column} IS NULL OR ${column} = ${literal})`;
}

function inSql(scope: DomainScope, field: FieldSpec, column: string, positive: boolean, value: Value): string {
  const items = Array.isArray(value) ? value : value === false ? [] : [value];
  const values = items.filter((item) => item !== false && item !== null).map(plain);
  const withFalse = values.length !== items.length;
  const found = values.length === 0 ? 'FALSE' : `${column} = ANY(${scope.params.add(values)}::${arrayType(field)}[])`;
  const matched = withFalse ? `(${found} OR ${isFalseSql(field, column)})` : found;
  if (positive) return matched;
  return withFalse ? `(NOT ${matched})` : `(${column} IS NULL OR NOT (${matched}))`;
}

function arrayType(field: FieldSpec): string {
  if (field.type === 'integer' || field.type === 'many2one') return 'bigint';
  if (isNumeric(field)) return 'numeric';
  if (field.type === 'boolean') return 'boolean';
  if (field.type === 'date') return 'date';
  if (field.type === 'datetime') return 'timestamp';
  return 'text';
}

function typed(params: SqlParams, field: FieldSpec, value: Value): string {
  const type = arrayType(field);
  return `${params.add(type === 'text' ? String(plain(value)) : plain(value))}::${type}`;
}
