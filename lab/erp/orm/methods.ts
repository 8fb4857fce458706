/** The public methods that every model has, and how a call's arguments find their names. */
import { accessError, crash, typeError } from '../rpc/faults.ts';
import type { Env } from './env.ts';
import { isStored, type MethodSpec, type ModelSpec } from './fields.ts';
import { readRecords, searchRead } from './read.ts';
import { readGroup } from './read-group.ts';
import { fieldNames, fieldOf } from './registry.ts';
import { type Page, searchCount, searchIds } from './search.ts';
import { asIds, asNumber, isDict, repr, type Vals, type Value } from './value.ts';
import { createRecords, unlinkRecords, writeRecords } from './write.ts';

type GenericMethod = Omit<MethodSpec, 'run'> & {
  readonly run: (env: Env, ids: readonly number[], args: Vals, model: ModelSpec) => Promise<Value | undefined>;
};

function names(value: Value | undefined, what: string): readonly string[] {
  if (value === undefined || value === null || value === false) return [];
  if (typeof value === 'string') return [value];
  if (!Array.isArray(value)) throw typeError(`${what} must be a list, not ${repr(value)}`);
  return value.map((name) => {
    if (typeof name !== 'string') throw typeError(`unhashable or unexpected ${what}: ${repr(name as Value)}`);
    return name;
  });
}

const page = (args: Vals): Page => ({
  offset: asNumber(args.offset),
  limit: asNumber(args.limit),
  ...(typeof args.order === 'string' ? { order: args.order } : typeof args.orderby === 'string' ? { order: args.orderby } : {}),
});
const options = (args: Vals): { readonly names: boolean } => ({
  names: args.load === undefined || args.load === '_classic_read',
});

const METHODS: Readonly<Record<string, GenericMethod>> = {
  search: {
    kind: 'model',
    params: ['domain', 'offset', 'limit', 'order'],
    required: 1,
    run: (env, _ids, args, model) => searchIds(env, model, args.domain ?? [], page(args)),
  },
  search_count: {
    kind: 'model',
    params: ['domain', 'limit'],
    required: 1,
    run: (env, _ids, args, model) => searchCount(env, model, args.domain ?? [], asNumber(args.limit)),
  },
  search_read: {
    kind: 'model',
    params: ['domain', 'fields', 'offset', 'limit', 'order', 'load'],
    run: (env, _ids, args, model) =>
      searchRead(env, model, args.domain ?? [], names(args.fields, 'fields'), page(args), options(args)),
  },
  read: {
    kind: 'record',
    params: ['fields', 'load'],
    run: (env, ids, args, model) => readRecords(env, model, ids, names(args.fields, 'fields'), options(args)),
  },
  read_group: {
    kind: 'model',
    params: ['domain', 'fields', 'groupby', 'offset', 'limit', 'orderby', 'lazy'],
    required: 3,
    run: (env, _ids, args, model) =>
      readGroup(env, model, {
        domain: args.domain ?? [],
        fields: names(args.fields, 'fields'),
        groupby: names(args.groupby, 'groupby'),
        lazy: args.lazy !== false && args.lazy !== 0,
        page: page(args),
      }),
  },
  create: {
    kind: 'model',
    params: ['vals_list'],
    required: 1,
    run: async (env, _ids, args, model) => {
      const given = args.vals_list;
      if (isDict(given)) return (await createRecords(env, model, [given]))[0] ?? false;
      if (!Array.isArray(given)) throw typeError(`'${pythonType(given)}' object is not iterable`);
      return await createRecords(
        env,
        model,
        given.map((item) => {
          if (!isDict(item)) throw crash('AttributeError', `'${pythonType(item as Value)}' object has no attribute 'items'`);
          return item;
        }),
      );
    },
  },
  write: {
    kind: 'record',
    params: ['vals'],
    required: 1,
    run: async (env, ids, args, model) => {
      const vals = args.vals;
      if (!isDict(vals)) throw crash('AttributeError', `'${pythonType(vals)}' object has no attribute 'items'`);
      await writeRecords(env, model, ids, vals);
      return true;
    },
  },
  unlink: {
    kind: 'record',
    run: async (env, ids, _args, model) => {
      await unlinkRecords(env, model, ids);
      return true;
    },
  },
  fields_get: {
    kind: 'model',
    params: ['allfields', 'attributes'],
    run: async (_env, _ids, args, model) =>
      fieldsGet(model, names(args.allfields, 'allfields'), names(args.attributes, 'attributes')),
  },
  name_search: {
    kind: 'model',
    params: ['name', 'args', 'operator', 'limit'],
    run: async (env, _ids, args, model) => {
      const text = typeof args.name === 'string' ? args.name : '';
      const operator = typeof args.operator === 'string' ? args.operator : 'ilike';
      const given = Array.isArray(args.args) ? args.args : [];
      const domain: Value =
        text === '' ? given : [...(given.length > 0 ? ['&'] : []), ['display_name', operator, text], ...given];
      const rows = await searchRead(env, model, domain, ['display_name'], { limit: asNumber(args.limit, 100) });
      return rows.map((row): Value => [row.id ?? 0, row.display_name ?? '']);
    },
  },
  check_access_rights: { kind: 'model', params: ['operation', 'raise_exception'], required: 1, run: async () => true },
  has_access: { kind: 'record', params: ['operation'], required: 1, run: async () => true },
};

function pythonType(value: Value | undefined): string {
  if (value === null || value === undefined) return 'NoneType';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'str';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  return Array.isArray(value) ? 'list' : 'dict';
}

function fieldsGet(model: ModelSpec, wanted: readonly string[], attributes: readonly string[]): Value {
  const chosen = wanted.length > 0 ? wanted.filter((name) => fieldOf(model, name)) : fieldNames(model);
  return Object.fromEntries(
    chosen.map((name): [string, Value] => {
      const field = fieldOf(model, name);
      if (!field) return [name, {}];
      const all: Record<string, Value> = {
        type: field.type,
        string: field.label,
        required: field.required === true,
        readonly: Boolean(field.related ?? field.sql) || name === 'id',
        store: isStored(field),
        searchable: true,
        sortable: isStored(field),
        name,
        ...(field.relation === undefined ? {} : { relation: field.relation }),
        ...(field.inverse === undefined ? {} : { relation_field: field.inverse }),
        ...(field.selection === undefined ? {} : { selection: field.selection }),
      };
      const kept = attributes.length > 0 ? Object.entries(all).filter(([key]) => attributes.includes(key)) : Object.entries(all);
      return [name, Object.fromEntries(kept)];
    }),
  );
}

/** Runs `model.method(args, kw)`. The checks and their order are those of `odoo.service.model`. */
export async function callMethod(
  env: Env,
  model: ModelSpec,
  method: string,
  args: readonly Value[],
  kw: Vals,
): Promise<Value | undefined> {
  if (method.startsWith('_')) throw accessError(`Private methods (such as '${model.name}.${method}') cannot be called remotely.`);
  const own = model.methods !== undefined && Object.hasOwn(model.methods, method) ? model.methods[method] : undefined;
  const generic = Object.hasOwn(METHODS, method) ? METHODS[method] : undefined;
  const spec = own ?? generic;
  if (!spec) throw crash('AttributeError', `The method '${model.name}.${method}' does not exist`);
  const { context, ...named } = kw;
  const scoped: Env = isDict(context) ? { ...env, context: { ...env.context, ...context } } : env;
  const { ids, values } = bind(model, method, spec, args, named);
  return own ? await own.run(scoped, ids, values) : await (generic as GenericMethod).run(scoped, ids, values, model);
}

function bind(
  model: ModelSpec,
  method: string,
  spec: Omit<MethodSpec, 'run'>,
  args: readonly Value[],
  named: Vals,
): { readonly ids: readonly number[]; readonly values: Vals } {
  const title = `${className(model.name)}.${method}()`;
  const params = spec.params ?? [];
  const { ids: namedIds, ...rest } = spec.kind === 'record' && args.length === 0 ? named : { ...named, ids: undefined };
  if (spec.kind === 'record' && args.length === 0 && namedIds === undefined) throw crash('IndexError', 'list index out of range');
  const positional = spec.kind === 'record' && namedIds === undefined ? args.slice(1) : args;
  if (positional.length > params.length)
    throw typeError(
      `${title} takes ${params.length + 1} positional argument${params.length === 0 ? '' : 's'} but ${positional.length + 1} were given`,
    );
  const values: Record<string, Value> = {};
  for (const [index, value] of positional.entries()) values[params[index] ?? ''] = value;
  for (const [name, value] of Object.entries(rest)) {
    if (value === undefined) continue;
    if (!params.includes(name)) throw typeError(`${title} got an unexpected keyword argument '${name}'`);
    if (values[name] !== undefined) throw typeError(`${title} got multiple values for argument '${name}'`);
    values[name] = value;
  }
  const missing = params.slice(0, spec.required ?? 0).filter((name) => values[name] === undefined);
  if (missing.length > 0)
    throw typeError(
      `${title} missing ${missing.length} required positional argument${missing.length === 1 ? '' : 's'}: ${missing.map((name) => `'${name}'`).join(' and ')}`,
    );
  const first = namedIds ?? args[0];
  return { ids: spec.kind === 'record' ? asIds(first) : [], values };
}

const className = (model: string): string =>
  model
    .split('.')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
