/** A template makes its variants; a variant made alone makes its template. */
import { num } from '../db/transaction.ts';
import type { Env } from '../orm/env.ts';
import type { BaseCreate, BaseWrite } from '../orm/fields.ts';
import { ident } from '../orm/sql.ts';
import type { Vals, Value } from '../orm/value.ts';
import { createRecords, writeRecords } from '../orm/write.ts';

/** Kept in product_product even when given to a template. */
const VARIANT_OWN = ['default_code', 'barcode', 'standard_price', 'weight', 'volume'] as const;
const FROM_TEMPLATE = 'create_product_product';

const pick = (vals: Vals, names: readonly string[]): Vals =>
  Object.fromEntries(names.flatMap((name) => (vals[name] === undefined ? [] : [[name, vals[name] as Value]])));
const omit = (vals: Vals, names: readonly string[]): Vals =>
  Object.fromEntries(Object.entries(vals).filter(([name]) => !names.includes(name)));

export async function createTemplates(env: Env, vals: readonly Vals[], base: BaseCreate): Promise<readonly number[]> {
  const ids = await base(vals);
  if (env.context[FROM_TEMPLATE] === false) return ids;
  const plain: Vals[] = [];
  for (const [index, item] of vals.entries()) {
    const id = ids[index];
    if (id === undefined) continue;
    const lines = item.attribute_line_ids;
    if (Array.isArray(lines) && lines.length > 0) await createCombinations(env, id);
    else plain.push({ ...pick(item, VARIANT_OWN), product_tmpl_id: id });
  }
  await createRecords(env, env.models.require('product.product'), plain);
  return ids;
}

/** Cartesian product of the attribute lines: one variant each. */
async function createCombinations(env: Env, templateId: number): Promise<void> {
  const rows = await env.tx.query(
    `INSERT INTO product_template_attribute_value (attribute_line_id, product_attribute_value_id, product_tmpl_id, attribute_id, price_extra)
     SELECT l.id, r.product_attribute_value_id, l.product_tmpl_id, l.attribute_id, 0
     FROM product_template_attribute_line l
     JOIN product_attribute_value_product_template_attribute_line_rel r ON r.product_template_attribute_line_id = l.id
     WHERE l.product_tmpl_id = $1 ORDER BY l.sequence, l.id, r.product_attribute_value_id RETURNING id, attribute_line_id`,
    [templateId],
  );
  const byLine = new Map<number, number[]>();
  for (const row of rows)
    byLine.set(num(row, 'attribute_line_id'), [...(byLine.get(num(row, 'attribute_line_id')) ?? []), num(row, 'id')]);
  const combinations = [...byLine.values()].reduce<readonly (readonly number[])[]>(
    (all, values) => all.flatMap((chosen) => values.map((value) => [...chosen, value])),
    [[]],
  );
  const vals = combinations.map(
    (chosen): Vals => ({ product_tmpl_id: templateId, product_template_attribute_value_ids: [[6, 0, chosen]] }),
  );
  await createRecords(env, env.models.require('product.product'), vals);
}

export async function createVariants(env: Env, vals: readonly Vals[], base: BaseCreate): Promise<readonly number[]> {
  const variant = env.models.require('product.product');
  const template = env.models.require('product.template');
  const lonely = vals.filter((item) => !item.product_tmpl_id);
  const templateOnly = [
    'list_price',
    ...Object.keys(variant.fields).filter((name) => variant.fields[name]?.related && name !== 'lst_price'),
  ];
  const quiet = { ...env, context: { ...env.context, [FROM_TEMPLATE]: false } };
  const accepted = new Set(Object.keys(template.fields));
  const made = await createRecords(
    quiet,
    template,
    lonely.map((item) => {
      const shared = Object.fromEntries(
        Object.entries(item).filter(([name]) => accepted.has(name) && (templateOnly.includes(name) || !(name in variant.fields))),
      );
      return item.lst_price === undefined ? shared : { ...shared, list_price: item.lst_price };
    }),
  );
  let next = 0;
  const own = vals.map((item): Vals => {
    const rest = omit(item, [...templateOnly, 'lst_price']);
    if (item.product_tmpl_id) return rest;
    const id = made[next] ?? false;
    next += 1;
    return { ...rest, product_tmpl_id: id };
  });
  return await base(own);
}

export async function writeTemplate(env: Env, ids: readonly number[], vals: Vals, base: BaseWrite): Promise<void> {
  await base(ids, omit(vals, VARIANT_OWN));
  const own = pick(vals, [...VARIANT_OWN, ...('active' in vals ? ['active'] : [])]);
  if (Object.keys(own).length > 0) {
    const rows = await env.tx.query(`SELECT id FROM ${ident('product_product')} WHERE product_tmpl_id = ANY($1::int[])`, [
      [...ids],
    ]);
    await writeRecords(
      env,
      env.models.require('product.product'),
      rows.map((row) => num(row, 'id')),
      own,
    );
  }
  if ('list_price' in vals || 'categ_id' in vals) await env.prices.forget();
}

export async function writeVariant(env: Env, ids: readonly number[], vals: Vals, base: BaseWrite): Promise<void> {
  const variant = env.models.require('product.product');
  const shared = Object.keys(vals).filter((name) => variant.fields[name]?.related);
  await base(ids, omit(vals, shared));
  if (shared.length === 0) return;
  const rows = await env.tx.query('SELECT DISTINCT product_tmpl_id AS id FROM product_product WHERE id = ANY($1::int[])', [
    [...ids],
  ]);
  const { lst_price: price, ...rest } = pick(vals, shared);
  const forTemplate = price === undefined ? rest : { ...rest, list_price: price };
  await writeRecords(
    env,
    env.models.require('product.template'),
    rows.map((row) => num(row, 'id')),
    forTemplate,
  );
}
