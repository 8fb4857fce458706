/** What k6 is told: `load.json` and the catalogue, both read once and shared by all VUs. */
import { SharedArray } from 'k6/data';
import type { LoadInput, TargetCatalogue } from '../src/model/catalogue.ts';
import type { ScenarioSpec } from '../src/model/plan.ts';

function required(name: string): string {
  const value = __ENV[name];
  if (value === undefined || value === '') throw new Error(`the environment variable ${name} is not set`);
  return value;
}

const loadFile = required('PEAKPROOF_LOAD');

const [shared] = new SharedArray<LoadInput>('load', () => [JSON.parse(open(loadFile)) as LoadInput]);
if (shared === undefined || shared.schemaVersion !== 1) throw new Error(`${loadFile}: not a load input of version 1`);

export const input: LoadInput = shared;

const readCatalogue = (): TargetCatalogue => JSON.parse(open(input.catalogueFile)) as TargetCatalogue;

type Lists = 'products' | 'partners' | 'tills' | 'openingQuants' | 'openingMoves' | 'stores';

// The long lists stay in shared memory: a VU copies one element when it takes it, not the whole catalogue.
export const products = new SharedArray('products', () => [...readCatalogue().products]);
export const partners = new SharedArray('partners', () => [...readCatalogue().partners]);
export const tills = new SharedArray('tills', () => [...readCatalogue().tills]);
const [rest] = new SharedArray<Omit<TargetCatalogue, Lists>>('catalogue', () => {
  const {
    products: _products,
    partners: _partners,
    tills: _tills,
    openingQuants: _quants,
    openingMoves: _moves,
    stores: _stores,
    ...others
  } = readCatalogue();
  return [others];
});
if (rest === undefined) throw new Error(`${input.catalogueFile}: no catalogue`);
export const catalogue: Omit<TargetCatalogue, Lists> = rest;

export const odooAccess = { ...input.odoo, password: required('PEAKPROOF_ODOO_PASSWORD') };

const specs: Readonly<Record<string, ScenarioSpec>> = Object.fromEntries(input.scenarios.map((spec) => [spec.id, spec]));

/** The plan's scenario that this k6 scenario runs; they have the same name. */
export function specOf<Kind extends ScenarioSpec['kind']>(kind: Kind, id: string): Extract<ScenarioSpec, { kind: Kind }> {
  const spec = specs[id];
  if (spec?.kind !== kind) throw new Error(`scenario "${id}" is not of kind ${kind}`);
  return spec as Extract<ScenarioSpec, { kind: Kind }>;
}

/** Business keys start with it: unique over runs, no spaces (they separate keys), nothing that CSV would quote. */
export const keyPrefix = `PP-${input.runId.replace(/[^A-Za-z0-9_.-]/g, '_')}`;
