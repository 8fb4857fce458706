import type { Registry } from './env.ts';
import type { ModelSpec } from './fields.ts';
import { requireField } from './registry.ts';
import { ident, nextAlias } from './sql.ts';

/** SQL that gives a scalar field of the row behind `alias`. */
export function fieldSql(models: Registry, model: ModelSpec, alias: string, name: string): string {
  if (name === 'display_name') return model.display(alias);
  const field = requireField(model, name);
  if (field.sql) return field.sql(alias);
  if (field.related) {
    const [through, target] = field.related;
    const relation = requireField(model, through).relation;
    if (!relation) throw new Error(`${model.name}.${name} reads through ${through}, which is not a many2one`);
    const other = models.require(relation);
    const inner = nextAlias();
    return `(SELECT ${fieldSql(models, other, inner, target)} FROM ${ident(other.table)} ${inner} WHERE ${inner}.id = ${fieldSql(models, model, alias, through)})`;
  }
  return `${alias}.${ident(name)}`;
}

/** SQL that gives the display name of the record a many2one points to. */
export function relationNameSql(models: Registry, relation: string, idSql: string): string {
  const other = models.require(relation);
  const inner = nextAlias();
  return `(SELECT ${other.display(inner)} FROM ${ident(other.table)} ${inner} WHERE ${inner}.id = ${idSql})`;
}
