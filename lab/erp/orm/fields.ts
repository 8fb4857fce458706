/** Field and model declarations: data that the SQL compilers, `fields_get` and the schema are made from. */
import type { Env } from './env.ts';
import type { Vals, Value } from './value.ts';

export type ScalarType = 'char' | 'text' | 'integer' | 'float' | 'monetary' | 'boolean' | 'date' | 'datetime' | 'selection';
export type FieldType = ScalarType | 'many2one' | 'one2many' | 'many2many';

export interface FieldSpec {
  readonly type: FieldType;
  readonly label: string;
  readonly required?: boolean;
  readonly relation?: string;
  /** one2many: the many2one on the other side. */
  readonly inverse?: string;
  /** many2many: [table, column of this model, column of the other]. */
  readonly link?: readonly [string, string, string];
  readonly selection?: readonly (readonly [string, string])[];
  readonly default?: Value | ((env: Env) => Value);
  /** Not stored here: read through a many2one of this model. */
  readonly related?: readonly [string, string];
  /** Not stored: SQL over the alias of the row. */
  readonly sql?: (alias: string) => string;
  readonly onDelete?: 'cascade' | 'restrict' | 'set null';
  readonly index?: boolean;
  /** Message when the same value is stored twice. */
  readonly unique?: string;
}

export interface MethodSpec {
  /** `record`: first RPC argument is the ids. `model`: all arguments are the method's own. */
  readonly kind: 'record' | 'model';
  readonly params?: readonly string[];
  /** How many of `params` have no default. */
  readonly required?: number;
  /** `undefined` is Python's None. */
  readonly run: (env: Env, ids: readonly number[], args: Vals) => Promise<Value | undefined>;
}

export interface ModelSpec {
  readonly name: string;
  readonly label: string;
  readonly table: string;
  readonly order: string;
  /** SQL of the display name. */
  readonly display: (alias: string) => string;
  readonly fields: Readonly<Record<string, FieldSpec>>;
  readonly methods?: Readonly<Record<string, MethodSpec>>;
  /** many2one that makes a tree, for `child_of`. */
  readonly parent?: string;
  readonly indexes?: readonly (readonly string[])[];
  /** Sees complete values (defaults filled in) before the rows are inserted. */
  readonly prepareCreate?: (env: Env, vals: readonly Vals[]) => Promise<readonly Vals[]>;
  readonly afterCreate?: (env: Env, ids: readonly number[], vals: readonly Vals[]) => Promise<void>;
  readonly create?: (env: Env, vals: readonly Vals[], base: BaseCreate) => Promise<readonly number[]>;
  readonly write?: (env: Env, ids: readonly number[], vals: Vals, base: BaseWrite) => Promise<void>;
  readonly beforeUnlink?: (env: Env, ids: readonly number[]) => Promise<void>;
}

export type BaseCreate = (vals: readonly Vals[]) => Promise<readonly number[]>;
export type BaseWrite = (ids: readonly number[], vals: Vals) => Promise<void>;

type Extra = Omit<FieldSpec, 'type' | 'label'>;
const scalar =
  (type: ScalarType) =>
  (label: string, extra: Extra = {}): FieldSpec => ({ type, label, ...extra });

export const char = scalar('char');
export const text = scalar('text');
export const integer = scalar('integer');
export const float = scalar('float');
export const monetary = scalar('monetary');
export const boolean = scalar('boolean');
export const date = scalar('date');
export const datetime = scalar('datetime');
export const selection = (label: string, values: readonly string[], extra: Extra = {}): FieldSpec => ({
  type: 'selection',
  label,
  selection: values.map((value) => [value, value.charAt(0).toUpperCase() + value.slice(1).replaceAll('_', ' ')] as const),
  ...extra,
});
export const many2one = (label: string, relation: string, extra: Extra = {}): FieldSpec => ({
  type: 'many2one',
  label,
  relation,
  ...extra,
});
export const one2many = (label: string, relation: string, inverse: string): FieldSpec => ({
  type: 'one2many',
  label,
  relation,
  inverse,
});
export const many2many = (label: string, relation: string, link: readonly [string, string, string]): FieldSpec => ({
  type: 'many2many',
  label,
  relation,
  link,
});

/** Every model has these. */
export const MAGIC_FIELDS: Readonly<Record<string, FieldSpec>> = {
  id: integer('ID'),
  display_name: char('Display Name'),
  create_uid: many2one('Created by', 'res.users'),
  create_date: datetime('Created on'),
  write_uid: many2one('Last Updated by', 'res.users'),
  write_date: datetime('Last Updated on'),
};

/** A column of the model's own table (as opposed to computed or x2many). */
export function isStored(field: FieldSpec): boolean {
  return field.type !== 'one2many' && field.type !== 'many2many' && !field.related && !field.sql;
}

export const isNumeric = (field: FieldSpec): boolean =>
  field.type === 'integer' || field.type === 'float' || field.type === 'monetary';

export function sqlType(field: FieldSpec): string {
  switch (field.type) {
    case 'integer':
    case 'many2one':
      return 'integer';
    case 'float':
    case 'monetary':
      return 'numeric';
    case 'boolean':
      return 'boolean';
    case 'date':
      return 'date';
    case 'datetime':
      return 'timestamp';
    default:
      return 'text';
  }
}
