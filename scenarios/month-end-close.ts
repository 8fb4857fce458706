/** Month-end close: entries in batches, billing of the run's orders, heavy reads and a lock, while the shop goes on at a lower rate. One arrival rate for all. */
import exec from 'k6/execution';
import type { MonthEndCloseSpec, ScenarioSpec } from '../src/model/plan.ts';
import { type ShopLoad, shopVisit, visitOf } from './flash-sale.ts';
import { runJourney, type SetupData } from './iteration.ts';
import { closeBatch, closedMonthEnd, lockPeriod, planBatch } from './journeys/close-period.ts';
import { invoiceOrders } from './journeys/invoice-orders.ts';
import { readReport, trialBalance } from './journeys/read-reports.ts';
import { catalogue, input, keyPrefix, partners, specOf } from './load-input.ts';
import { randomAt, streamOf } from './random.ts';
import { billingIterations, closeActivity, closeIterations, evenArrivals, type K6Scenario, plannedIterations } from './shape.ts';

export const monthEndCloseScenario = (spec: MonthEndCloseSpec): K6Scenario =>
  evenArrivals(spec, 'monthEndClose', closeIterations(spec).total, spec.durationMs);

/** Customers of an ordinary day: no rush, few cancellations, nobody hammers the button. */
const ORDINARY_SHOP: ShopLoad = { zipfExponent: 1, maxLines: 4, cancelRatio: 0.02, retryRatio: 0, patienceMs: 30_000 };

const today = () => new Date().toISOString().slice(0, 10);

export const lockedUntil = (): string => closedMonthEnd(today());

/** Orders that one billing run looks for at most. */
const KEYS_PER_RUN = 200;

let billing: readonly string[] | undefined;

/** All billing runs of the plan, by scenario and iteration; worked out once a VU. */
function billingRuns(): readonly string[] {
  billing ??= input.scenarios.flatMap((spec) =>
    spec.kind === 'month-end-close' ? billingIterations(closeIterations(spec)).map((n) => `${spec.id}/${n}`) : [],
  );
  return billing;
}

/**
 * The orders of the n-th iteration, a billing run, by their references: every run of the plan has its own share of all the
 * orders that the loads may place, so that an order is invoiced by one run or none. Orders that their customers cancel are left
 * out: a cancellation would take a draft invoice with it.
 */
function ownOrders(spec: ScenarioSpec, n: number): readonly string[] {
  const runs = billingRuns();
  const own = runs.indexOf(`${spec.id}/${n}`);
  const keys: string[] = [];
  for (const shop of input.scenarios) {
    if (shop.kind === 'pos-sync-burst') continue;
    const counts = shop.kind === 'month-end-close' ? closeIterations(shop) : null;
    const load = shop.kind === 'flash-sale' ? shop : ORDINARY_SHOP;
    for (let order = own; order < plannedIterations(shop) && keys.length < KEYS_PER_RUN; order += runs.length) {
      if (counts !== null && closeActivity(order, counts) !== 'shop') continue;
      const visit = visitOf(shop, load, order);
      if (!visit.cancels) keys.push(visit.key);
    }
  }
  return keys;
}

export function monthEndClose(data: SetupData): void {
  const { name, iterationInTest: n } = exec.scenario;
  const spec = specOf('month-end-close', name);
  const { companyId, accounts, journals } = catalogue;
  const ledgers = { companyId, receivableId: accounts.receivable };
  const service = 'financial-posting';
  switch (closeActivity(n, closeIterations(spec))) {
    case 'shop':
      shopVisit(spec, data, ORDINARY_SHOP, n);
      return;
    case 'report':
      runJourney(spec, data, { name: 'read-reports', loadClass: 'reporting', service }, (odoo) => readReport(odoo, ledgers, n));
      return;
    case 'invoice':
      runJourney(spec, data, { name: 'invoice-orders', loadClass: spec.loadClass, service }, (odoo) =>
        invoiceOrders(odoo, { keys: ownOrders(spec, n), maxOrders: spec.ordersPerInvoiceRun }),
      );
      return;
    case 'lock':
      runJourney(spec, data, { name: 'lock-period', loadClass: spec.loadClass, service }, (odoo) =>
        lockPeriod(odoo, companyId, lockedUntil(), () => trialBalance(odoo, ledgers)),
      );
      return;
    default: {
      const batch = planBatch(randomAt(streamOf(input.seed, spec.id, 'batches'), n), {
        ...spec,
        name: `${keyPrefix}-${spec.id}-${n}`,
        partners,
      });
      const books = {
        companyId,
        journalId: journals.general,
        receivableId: accounts.receivable,
        revenueId: accounts.revenue,
        expenseId: accounts.expense,
      };
      runJourney(spec, data, { name: 'close-period', loadClass: spec.loadClass, service }, (odoo) =>
        closeBatch(odoo, batch, books, today()),
      );
    }
  }
}
