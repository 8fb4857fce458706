/**
 * The arrival shapes of the scenarios: pure, and shared by k6 (which runs them) and `src/load` (which says what was planned).
 * Every load is an open model: iterations start by the clock, whatever the target does with the ones before.
 */
import type { FlashSaleSpec, MonthEndCloseSpec, PosSyncBurstSpec, ScenarioSpec } from '../src/model/plan.ts';

/** A ramp's rates are whole numbers to k6: expressed per 1,000 s, 0.001 iterations/s is the finest step. */
const RAMP_UNIT_S = 1_000;

/** What an iteration of a load may take at most: a call that hangs, one more, and the pauses and look-ups between them. */
const JOURNEY_BUDGET_CALLS = 2;
const JOURNEY_BUDGET_REST_MS = 10_000;

/** k6 refuses a shorter constant arrival rate. */
const MIN_DURATION_MS = 1_000;

/** Past the budget: the time k6 needs to notice. */
const GRACE_MS = 2_000;

export interface K6Scenario {
  readonly executor: 'ramping-arrival-rate' | 'constant-arrival-rate';
  readonly exec: string;
  readonly startTime: string;
  readonly gracefulStop: string;
  readonly timeUnit: string;
  readonly preAllocatedVUs: number;
  readonly maxVUs: number;
  readonly startRate?: number;
  readonly stages?: readonly { readonly target: number; readonly duration: string }[];
  readonly rate?: number;
  readonly duration?: string;
}

/** VUs made before the load starts; more than this are made on demand, up to the plan's `maxVus`. */
const MAX_PREALLOCATED_VUS = 300;

/** After this long an iteration begins no further call. Milliseconds. */
export function journeyBudgetMs(spec: { readonly timeoutMs: number }): number {
  return JOURNEY_BUDGET_CALLS * spec.timeoutMs + JOURNEY_BUDGET_REST_MS;
}

function base(spec: ScenarioSpec, exec: string) {
  return {
    exec,
    startTime: `${spec.startAtMs}ms`,
    gracefulStop: `${journeyBudgetMs(spec) + GRACE_MS}ms`,
    preAllocatedVUs: Math.min(spec.maxVus, MAX_PREALLOCATED_VUS),
    maxVUs: spec.maxVus,
  };
}

export function rampingArrivals(spec: FlashSaleSpec, exec: string): K6Scenario {
  return {
    ...base(spec, exec),
    executor: 'ramping-arrival-rate',
    timeUnit: `${RAMP_UNIT_S}s`,
    startRate: 0,
    stages: spec.stages.map((stage) => ({
      target: Math.round(stage.ratePerSecond * RAMP_UNIT_S),
      duration: `${stage.durationMs}ms`,
    })),
  };
}

/**
 * `iterations` evenly over `durationMs`: the whole duration is the time unit, so that no rate is rounded. The last arrival is one
 * interval before the end; k6 stops half an interval before it, or chance would decide about one arrival too many.
 */
export function evenArrivals(spec: ScenarioSpec, exec: string, iterations: number, durationMs: number): K6Scenario {
  return {
    ...base(spec, exec),
    executor: 'constant-arrival-rate',
    rate: iterations,
    timeUnit: `${durationMs}ms`,
    duration: `${Math.max(MIN_DURATION_MS, Math.ceil(durationMs * (1 - 0.5 / iterations)))}ms`,
  };
}

/** Iterations that the arrival rates of a load schedule; k6 starts or drops each. A ramp is within one of it. */
export function plannedIterations(spec: ScenarioSpec): number {
  if (spec.kind === 'flash-sale') return Math.floor(rampIterations(spec));
  if (spec.kind === 'pos-sync-burst') return posIterations(spec).total;
  return closeIterations(spec).total;
}

/** From the start of the load, ms: its last arrival is before this. */
export function scenarioLengthMs(spec: ScenarioSpec): number {
  if (spec.kind === 'flash-sale') return spec.stages.reduce((sum, stage) => sum + stage.durationMs, 0);
  return spec.kind === 'pos-sync-burst' ? spec.catchUpMs : spec.durationMs;
}

function rampIterations(spec: FlashSaleSpec): number {
  let from = 0;
  let iterations = 0;
  for (const { ratePerSecond, durationMs } of spec.stages) {
    const to = Math.round(ratePerSecond * RAMP_UNIT_S) / RAMP_UNIT_S;
    iterations += (((from + to) / 2) * durationMs) / 1_000;
    from = to;
  }
  return iterations;
}

export interface PosIterations {
  readonly tills: number;
  readonly batchesPerTill: number;
  /** Every till's batches, then one closing a till; all of them arrive within `catchUpMs`. */
  readonly total: number;
}

export function posIterations(spec: PosSyncBurstSpec): PosIterations {
  const tills = spec.stores * spec.tillsPerStore;
  const batchesPerTill = Math.ceil(spec.ticketsPerTill / spec.batchSize);
  return { tills, batchesPerTill, total: tills * (batchesPerTill + 1) };
}

export interface CloseIterations {
  readonly batches: number;
  readonly reports: number;
  readonly shop: number;
  /** Billing runs. */
  readonly invoices: number;
  /** 1 when the period is locked and opened again once. */
  readonly locks: number;
  readonly total: number;
}

export function closeIterations(spec: MonthEndCloseSpec): CloseIterations {
  const minutes = spec.durationMs / 60_000;
  const batches = Math.max(1, Math.round(spec.batchesPerMinute * minutes));
  const reports = Math.round(spec.reportsPerMinute * minutes);
  const shop = Math.round((spec.shopRatePerSecond * spec.durationMs) / 1_000);
  const invoices = Math.round(spec.invoiceRunsPerMinute * minutes);
  const locks = spec.lockDate ? 1 : 0;
  return { batches, reports, shop, invoices, locks, total: batches + reports + shop + invoices + locks };
}

export type CloseActivity = 'batch' | 'report' | 'invoice' | 'shop' | 'lock';

/** Golden ratio: multiples of it, modulo 1, fall evenly into any split of the unit interval. */
const GOLDEN = 0.6180339887498949;

/** What the n-th iteration of a month end does: each activity has its share, spread evenly over the whole time. */
export function closeActivity(n: number, counts: CloseIterations): CloseActivity {
  const lockAt = Math.floor(counts.total * 0.6);
  if (counts.locks === 1 && n === lockAt) return 'lock';
  const position = ((n * GOLDEN) % 1) * (counts.total - counts.locks);
  if (position < counts.batches) return 'batch';
  if (position < counts.batches + counts.reports) return 'report';
  return position < counts.batches + counts.reports + counts.invoices ? 'invoice' : 'shop';
}

/** Which iterations of a month end are billing runs. Their number is within two of `invoices`. */
export function billingIterations(counts: CloseIterations): readonly number[] {
  const found: number[] = [];
  for (let n = 0; n < counts.total; n += 1) if (closeActivity(n, counts) === 'invoice') found.push(n);
  return found;
}
