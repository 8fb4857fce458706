/** DDL from the registry. Every statement can be repeated. */
import type { Registry } from './env.ts';
import { isStored, type ModelSpec, sqlType } from './fields.ts';
import { ident } from './sql.ts';

export function tableStatements(models: Registry): readonly string[] {
  return models.names.map((name) => {
    const model = models.require(name);
    const columns = Object.entries(model.fields)
      .filter(([, field]) => isStored(field))
      .map(([column, field]) => `${ident(column)} ${sqlType(field)}`);
    const magic = [
      'id serial PRIMARY KEY',
      'create_uid integer',
      'create_date timestamp',
      'write_uid integer',
      'write_date timestamp',
    ];
    return `CREATE TABLE IF NOT EXISTS ${ident(model.table)} (${[...magic, ...columns].join(', ')})`;
  });
}

export function linkStatements(models: Registry): readonly string[] {
  return models.names.flatMap((name) =>
    Object.values(models.require(name).fields).flatMap((field) => {
      if (!field.link) return [];
      const [table, own, foreign] = field.link;
      return [
        `CREATE TABLE IF NOT EXISTS ${ident(table)} (${ident(own)} integer NOT NULL, ${ident(foreign)} integer NOT NULL, PRIMARY KEY (${ident(own)}, ${ident(foreign)}))`,
        `CREATE INDEX IF NOT EXISTS ${ident(`${table}_${foreign}_idx`)} ON ${ident(table)} (${ident(foreign)})`,
      ];
    }),
  );
}

/** Foreign keys of stored many2ones; `existing` are the constraint names already there. */
export function foreignKeyStatements(models: Registry, existing: ReadonlySet<string>): readonly string[] {
  return models.names.flatMap((name) => {
    const model = models.require(name);
    return Object.entries(model.fields).flatMap(([column, field]) => {
      if (field.type !== 'many2one' || !isStored(field) || !field.relation) return [];
      const constraint = `${model.table}_${column}_fkey`;
      if (existing.has(constraint)) return [];
      const onDelete = field.onDelete ?? (field.required ? 'restrict' : 'set null');
      return [
        `ALTER TABLE ${ident(model.table)} ADD CONSTRAINT ${ident(constraint)} FOREIGN KEY (${ident(column)}) REFERENCES ${ident(models.require(field.relation).table)} (id) ON DELETE ${onDelete.toUpperCase()}`,
      ];
    });
  });
}

export function indexStatements(models: Registry): readonly string[] {
  return models.names.flatMap((name) => modelIndexes(models.require(name)));
}

function modelIndexes(model: ModelSpec): readonly string[] {
  const single = Object.entries(model.fields).flatMap(([column, field]) => {
    if (field.unique)
      return [
        `CREATE UNIQUE INDEX IF NOT EXISTS ${ident(`${model.table}_${column}_uniq`)} ON ${ident(model.table)} (${ident(column)})`,
      ];
    if (!field.index) return [];
    return [`CREATE INDEX IF NOT EXISTS ${ident(`${model.table}_${column}_idx`)} ON ${ident(model.table)} (${ident(column)})`];
  });
  const joint = (model.indexes ?? []).map(
    (columns) =>
      `CREATE INDEX IF NOT EXISTS ${ident(`${model.table}_${columns.join('_')}_idx`)} ON ${ident(model.table)} (${columns.map(ident).join(', ')})`,
  );
  return [...single, ...joint];
}
