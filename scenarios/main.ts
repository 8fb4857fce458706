/**
 * The one script that k6 runs, whatever the plan: `PEAKPROOF_LOAD` names `load.json`, `PEAKPROOF_ODOO_PASSWORD` holds the password.
 * Each scenario of the plan is a k6 scenario of the same name.
 */
import type { ScenarioSpec } from '../src/model/plan.ts';
import { flashSaleScenario } from './flash-sale.ts';
import { type SetupData, sessionOf } from './iteration.ts';
import { readLockDate, writeLockDate } from './journeys/close-period.ts';
import { catalogue, input, odooAccess } from './load-input.ts';
import { lockedUntil, monthEndCloseScenario } from './month-end-close.ts';
import { authenticate } from './odoo/session.ts';
import { closeRemainingTills, posSyncBurstScenario } from './pos-sync-burst.ts';
import type { K6Scenario } from './shape.ts';

export { flashSale } from './flash-sale.ts';
export { monthEndClose } from './month-end-close.ts';
export { posSyncBurst } from './pos-sync-burst.ts';

function k6Scenario(spec: ScenarioSpec): K6Scenario {
  if (spec.kind === 'flash-sale') return flashSaleScenario(spec);
  return spec.kind === 'pos-sync-burst' ? posSyncBurstScenario(spec) : monthEndCloseScenario(spec);
}

const SETUP_TIMEOUT_S = 120;
const TEARDOWN_TIMEOUT_S = 120;

export const options = {
  scenarios: Object.fromEntries(input.scenarios.map((spec) => [spec.id, k6Scenario(spec)])),
  setupTimeout: `${SETUP_TIMEOUT_S}s`,
  teardownTimeout: `${TEARDOWN_TIMEOUT_S}s`,
  // Odoo closes every connection (odoo-behaviour.md section 2). Behind an ingress that does not, a reused connection which was
  // just closed would make a call that never left look like one that may have happened.
  noConnectionReuse: true,
  maxRedirects: 0,
  // Columns of samples.csv. k6's own dropped_iterations carries no other tag than its scenario's name.
  systemTags: ['scenario', 'service', 'status', 'error_code'],
  summaryTrendStats: ['count', 'avg', 'med', 'p(95)', 'p(99)', 'max'],
};

const locks = input.scenarios.filter((spec) => spec.kind === 'month-end-close').some((spec) => spec.lockDate);

/** `src/load` takes the line it logs last as the start of the load. */
export function setup(): SetupData {
  const uid = authenticate(odooAccess);
  const lockDate = locks ? (readLockDate(sessionOf(uid, 30_000, 30_000), catalogue.companyId) ?? null) : null;
  console.log(`peakproof: load starts at ${Date.now()}`);
  return { uid, lockDate };
}

export function teardown(data: SetupData): void {
  const deadline = Date.now() + (TEARDOWN_TIMEOUT_S - 5) * 1_000;
  if (locks && data.lockDate !== null) unlock(data.uid, data.lockDate);
  for (const spec of input.scenarios) if (spec.kind === 'pos-sync-burst') closeRemainingTills(spec, data, deadline);
}

/** An iteration that was cut between lock and unlock leaves our lock date; anybody else's stays. */
function unlock(uid: number, before: string): void {
  const odoo = sessionOf(uid, 15_000, 40_000);
  const now = readLockDate(odoo, catalogue.companyId);
  if (now === before) return;
  if (now === lockedUntil() && writeLockDate(odoo, catalogue.companyId, before, 'unlock') === 'ok') return;
  console.warn(`the lock date of company ${catalogue.companyId} is "${now ?? 'unreadable'}", was "${before}" before the load`);
}

/** Figures for people beside the samples; nothing is judged on them. */
export function handleSummary(data: unknown): Record<string, string> {
  const file = __ENV.PEAKPROOF_SUMMARY;
  return file === undefined ? {} : { [file]: JSON.stringify(data) };
}
