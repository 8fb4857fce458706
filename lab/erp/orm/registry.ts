import { valueError } from '../rpc/faults.ts';
import type { Registry } from './env.ts';
import { type FieldSpec, MAGIC_FIELDS, type ModelSpec } from './fields.ts';

export function createRegistry(models: readonly ModelSpec[]): Registry {
  const byName = new Map(models.map((model) => [model.name, model]));
  return {
    get: (name) => byName.get(name),
    require(name) {
      const model = byName.get(name);
      if (!model) throw new Error(`model ${name} is not in the registry`);
      return model;
    },
    names: [...byName.keys()],
  };
}

export function fieldOf(model: ModelSpec, name: string): FieldSpec | undefined {
  if (Object.hasOwn(model.fields, name)) return model.fields[name];
  return Object.hasOwn(MAGIC_FIELDS, name) ? MAGIC_FIELDS[name] : undefined;
}

export function requireField(model: ModelSpec, name: string): FieldSpec {
  const field = fieldOf(model, name);
  if (!field) throw valueError(`Invalid field '${name}' on model '${model.name}'`);
  return field;
}

export const fieldNames = (model: ModelSpec): readonly string[] => [
  ...new Set([...Object.keys(MAGIC_FIELDS), ...Object.keys(model.fields)]),
];
