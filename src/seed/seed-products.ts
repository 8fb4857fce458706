/** Products as a stock Odoo has them: templates with colours and sizes make the variants, which then get their own codes. */
import { generateCategories, generateModels, type ModelRecord, SIZES } from '../../generators/catalogue.ts';
import { attributeCode, datasetPrefix } from '../../generators/codes.ts';
import type { Vocabulary } from '../../generators/vocabulary.ts';
import { chunksOf, idsOf, many2oneId, numberOf, readRows } from '../clients/odoo/records.ts';
import type { OdooValue } from '../clients/ports.ts';
import { HarnessError } from '../errors.ts';
import type { DatasetSpec } from '../model/plan.ts';
import { ensureRecords, findByCode, mapped, SEED_TIMEOUT_MS, type Seeding } from './ensure-records.ts';

const CATEGORY_BATCH = 100;
const VALUE_BATCH = 100;
/** Each makes up to six variants, in the same transaction. */
const MODEL_BATCH = 60;

/** Categories, attributes, templates and their variants. Gives the ids of the variants by code. */
export async function seedProducts(
  seeding: Seeding,
  dataset: DatasetSpec,
  seed: number,
  words: Vocabulary,
): Promise<ReadonlyMap<string, number>> {
  const prefix = datasetPrefix(seed);
  const categories = await ensureRecords(seeding, {
    what: 'categories',
    model: 'product.category',
    codeField: 'name',
    codeIsFirstWord: true,
    prefix: `${prefix}C`,
    total: dataset.categories,
    records: mapped(generateCategories(dataset.categories, seed, words), ({ code, name }) => ({
      code,
      values: { name: `${code} ${name}` },
    })),
    batchSize: CATEGORY_BATCH,
  });
  const values = await seedAttributes(seeding, seed, words);
  const models = [...generateModels(dataset, seed, words)];
  const templates = await ensureRecords(seeding, {
    what: 'models',
    model: 'product.template',
    codeField: 'name',
    codeIsFirstWord: true,
    prefix: `${prefix}M`,
    total: models.length,
    records: mapped(models, (model) => ({
      code: model.code,
      values: templateOf(model, { category: categories.get(model.category) ?? false, values }),
    })),
    optionalFields: ['available_in_pos', 'taxes_id', 'invoice_policy', 'barcode', 'standard_price'],
    batchSize: MODEL_BATCH,
  });
  return await codeVariants(seeding, models, { prefix, templates, values });
}

/** Ids of the values of both attributes, by name. */
interface AttributeValues {
  readonly color: Attribute;
  readonly size: Attribute;
}

interface Attribute {
  readonly id: number;
  readonly values: ReadonlyMap<string, number>;
}

async function seedAttributes(seeding: Seeding, seed: number, words: Vocabulary): Promise<AttributeValues> {
  const kinds = [
    { kind: 'color', label: 'Color', names: words.colors },
    { kind: 'size', label: 'Size', names: SIZES },
  ] as const;
  const attributes = await ensureRecords(seeding, {
    what: 'attributes',
    model: 'product.attribute',
    codeField: 'name',
    codeIsFirstWord: true,
    prefix: `${datasetPrefix(seed)}A`,
    total: kinds.length,
    // Said, although it is the default: variants are there before anybody orders one.
    records: kinds.map(({ kind, label }) => ({
      code: attributeCode(seed, kind),
      values: { name: `${attributeCode(seed, kind)} ${label}`, create_variant: 'always' },
    })),
    batchSize: kinds.length,
  });
  const valuesOf = async ({ kind, names }: (typeof kinds)[number]): Promise<Attribute> => {
    const id = attributes.get(attributeCode(seed, kind)) ?? 0;
    const values = await ensureRecords(seeding, {
      what: 'attribute values',
      model: 'product.attribute.value',
      codeField: 'name',
      prefix: '',
      among: [['attribute_id', '=', id]],
      total: names.length,
      records: names.map((name) => ({ code: name, values: { name, attribute_id: id } })),
      batchSize: VALUE_BATCH,
    });
    return { id, values };
  };
  return { color: await valuesOf(kinds[0]), size: await valuesOf(kinds[1]) };
}

function templateOf(
  model: ModelRecord,
  { category, values }: { readonly category: OdooValue; readonly values: AttributeValues },
): Readonly<Record<string, OdooValue>> {
  const line = ({ id, values: known }: Attribute, names: readonly string[]): OdooValue => [
    0,
    0,
    { attribute_id: id, value_ids: [[6, 0, names.map((name) => known.get(name) ?? 0)]] },
  ];
  const [only, ...others] = model.variants;
  const own =
    only !== undefined && others.length === 0
      ? ownValues(model, only)
      : { attribute_line_ids: [line(values.color, model.colors), line(values.size, model.sizes)] };
  return {
    name: `${model.code} ${model.name}`,
    type: 'consu',
    is_storable: true,
    categ_id: category,
    list_price: model.listPrice,
    available_in_pos: true,
    // What was ordered can be invoiced, delivered or not.
    invoice_policy: 'order',
    // Prices are what customers pay: tickets and orders of the load carry no taxes.
    taxes_id: [[6, 0, []]],
    ...own,
  };
}

const ownValues = (
  model: ModelRecord,
  { code, barcode }: ModelRecord['variants'][number],
): Readonly<Record<string, OdooValue>> => ({ default_code: code, barcode, standard_price: model.cost });

interface Coding {
  readonly prefix: string;
  readonly templates: ReadonlyMap<string, number>;
  readonly values: AttributeValues;
}

/** Gives each variant that has none its code, barcode and cost; one call a template. */
async function codeVariants(
  seeding: Seeding,
  models: readonly ModelRecord[],
  coding: Coding,
): Promise<ReadonlyMap<string, number>> {
  const { odoo, onProgress, signal } = seeding;
  const waiting = { timeoutMs: SEED_TIMEOUT_MS, ...(signal === undefined ? {} : { signal }) };
  const wanted = { model: 'product.product', codeField: 'default_code', prefix: `${coding.prefix}P` };
  const coded = await findByCode(odoo, wanted, signal === undefined ? {} : { signal });
  const total = models.reduce((sum, { variants }) => sum + variants.length, 0);
  let done = 0;
  for (const batch of chunksOf(models, MODEL_BATCH)) {
    const open = batch.filter(({ variants }) => variants.some(({ code }) => !coded.has(code)));
    const found = open.length === 0 ? new Map<string, number>() : await readVariants(seeding, open, coding);
    for (const model of open) {
      signal?.throwIfAborted();
      const template = coding.templates.get(model.code) ?? 0;
      const commands: OdooValue[] = [];
      for (const variant of model.variants) {
        if (coded.has(variant.code)) continue;
        const id = found.get(placeOf(template, tellingValues(model, coding, variant)));
        if (id === undefined) throw missingVariant(odoo.url, model, variant);
        commands.push([1, id, ownValues(model, variant)]);
        coded.set(variant.code, id);
      }
      await odoo.require('product.template', 'write', [[template], { product_variant_ids: commands }], {}, waiting);
      done += model.variants.length;
      onProgress({ what: 'products', done, total });
    }
    done += batch.reduce((sum, model) => sum + (open.includes(model) ? 0 : model.variants.length), 0);
  }
  onProgress({ what: 'products', done: total, total });
  return coded;
}

const placeOf = (template: number, values: readonly (number | undefined)[]): string =>
  `${template}/${values
    .map((value) => value ?? 0)
    .sort((one, other) => one - other)
    .join('+')}`;

/**
 * Attribute values that tell a variant from the others of its model; without a variant those of all. An attribute with one value
 * tells nothing, and Odoo leaves its value out when a variant's are read.
 */
function tellingValues(
  { colors, sizes }: ModelRecord,
  { values }: Coding,
  variant?: ModelRecord['variants'][number],
): readonly (number | undefined)[] {
  const of = (attribute: Attribute, names: readonly string[], own: string | undefined): readonly (number | undefined)[] =>
    names.length < 2 ? [] : (own === undefined ? names : [own]).map((name) => attribute.values.get(name));
  return [...of(values.color, colors, variant?.color), ...of(values.size, sizes, variant?.size)];
}

/** Ids of the variants of these models, by template and telling attribute values. */
async function readVariants(
  { odoo, signal }: Seeding,
  models: readonly ModelRecord[],
  coding: Coding,
): Promise<ReadonlyMap<string, number>> {
  const telling = new Map(models.map((model) => [coding.templates.get(model.code) ?? 0, new Set(tellingValues(model, coding))]));
  const templates = [...telling.keys()];
  const waiting = { timeoutMs: SEED_TIMEOUT_MS, ...(signal === undefined ? {} : { signal }) };
  const among = [['product_tmpl_id', 'in', templates]];
  const valueOfPlace = new Map<number, number>();
  for await (const row of readRows(odoo, 'product.template.attribute.value', among, ['product_attribute_value_id'], waiting))
    valueOfPlace.set(numberOf(row.id), many2oneId(row.product_attribute_value_id) ?? 0);
  const found = new Map<string, number>();
  const fields = ['product_tmpl_id', 'product_template_attribute_value_ids'];
  for await (const row of readRows(odoo, 'product.product', among, fields, waiting)) {
    const template = many2oneId(row.product_tmpl_id) ?? 0;
    const values = idsOf(row.product_template_attribute_value_ids).map((id) => valueOfPlace.get(id));
    const own = values.filter((value) => telling.get(template)?.has(value));
    found.set(placeOf(template, own), numberOf(row.id));
  }
  return found;
}

function missingVariant(url: string, { code, name }: ModelRecord, variant: ModelRecord['variants'][number]): HarnessError {
  return new HarnessError(
    'ERR_ODOO_FAULT',
    `${url}: product "${code} ${name}" has no variant ${variant.color}, ${variant.size}`,
    {
      hint: 'archive or delete that product and its variants in Odoo, or choose another seed, and seed again',
    },
  );
}
