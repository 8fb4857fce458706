/** Flash sale: many customers at once on the few products of a promotion; ramp, spike, plateau, decay by the plan's stages. */
import exec from 'k6/execution';
import type { FlashSaleSpec, ScenarioSpec } from '../src/model/plan.ts';
import { runJourney, type SetupData } from './iteration.ts';
import { cataloguePages, checkout, planVisit, type Visit } from './journeys/checkout.ts';
import { catalogue, input, keyPrefix, partners, products, specOf } from './load-input.ts';
import { type Random, randomAt, streamOf, zipf } from './random.ts';
import { type K6Scenario, rampingArrivals } from './shape.ts';

export const flashSaleScenario = (spec: FlashSaleSpec): K6Scenario => rampingArrivals(spec, 'flashSale');

const pickers: Record<string, (random: Random) => number> = {};

function hotPicker(exponent: number): (random: Random) => number {
  const count = Math.max(1, Math.min(catalogue.hotProducts, products.length));
  pickers[exponent] ??= zipf(count, exponent);
  return pickers[exponent];
}

const pages = cataloguePages(products);
const streams: Record<string, number> = {};

function streamFor(scenario: string): number {
  streams[scenario] ??= streamOf(input.seed, scenario, 'visits');
  return streams[scenario];
}

export type ShopLoad = Pick<FlashSaleSpec, 'zipfExponent' | 'maxLines' | 'cancelRatio' | 'retryRatio' | 'patienceMs'>;

/** What the n-th customer of a load does: the same whoever asks. */
export function visitOf(spec: ScenarioSpec, load: ShopLoad, n: number): Visit {
  return planVisit(randomAt(streamFor(spec.id), n), {
    ...load,
    key: `${keyPrefix}-${spec.id}-${n}`,
    products,
    partners,
    pricelistId: catalogue.pricelists.promotion,
    hotProducts: catalogue.hotProducts,
    pickHot: hotPicker(load.zipfExponent),
    pages,
  });
}

/** One customer, for any load that has a shop in it. */
export function shopVisit(spec: ScenarioSpec, data: SetupData, load: ShopLoad, n: number): void {
  const visit = visitOf(spec, load, n);
  const loadClass = spec.kind === 'flash-sale' ? spec.loadClass : 'user';
  runJourney(spec, data, { name: 'checkout', loadClass, service: 'order-capture' }, (odoo) => checkout(odoo, visit));
}

export function flashSale(data: SetupData): void {
  // Each reading of `exec.scenario` makes a new object with all its figures: once an iteration is enough.
  const { name, iterationInTest } = exec.scenario;
  const spec = specOf('flash-sale', name);
  shopVisit(spec, data, spec, iterationInTest);
}
