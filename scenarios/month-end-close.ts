/** Month-end close: entries in batches, heavy reads and a lock, while the shop goes on at a lower rate. One arrival rate for all. */
import exec from 'k6/execution';
import type { MonthEndCloseSpec } from '../src/model/plan.ts';
import { type ShopLoad, shopVisit } from './flash-sale.ts';
import { runJourney, type SetupData } from './iteration.ts';
import { closeBatch, closedMonthEnd, lockPeriod, planBatch } from './journeys/close-period.ts';
import { readReport, trialBalance } from './journeys/read-reports.ts';
import { catalogue, input, keyPrefix, partners, specOf } from './load-input.ts';
import { randomAt, streamOf } from './random.ts';
import { closeActivity, closeIterations, evenArrivals, type K6Scenario } from './shape.ts';

export const monthEndCloseScenario = (spec: MonthEndCloseSpec): K6Scenario =>
  evenArrivals(spec, 'monthEndClose', closeIterations(spec).total, spec.durationMs);

/** Customers of an ordinary day: no rush, few cancellations, nobody hammers the button. */
const ORDINARY_SHOP: ShopLoad = { zipfExponent: 1, maxLines: 4, cancelRatio: 0.02, retryRatio: 0, patienceMs: 30_000 };

const today = () => new Date().toISOString().slice(0, 10);

export const lockedUntil = (): string => closedMonthEnd(today());

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
