/** What every iteration does around its journey: tags, `journey_started`, `journey_duration`. */
import exec from 'k6/execution';
import { Counter, Trend } from 'k6/metrics';
import type { BusinessService, LoadClass, ScenarioSpec } from '../src/model/plan.ts';
import type { Outcome } from '../src/model/run-records.ts';
import { odooAccess } from './load-input.ts';
import type { OdooSession } from './odoo/call.ts';
import { openSession } from './odoo/session.ts';
import { journeyBudgetMs } from './shape.ts';

const started = new Counter('journey_started');
const duration = new Trend('journey_duration', true);

export interface SetupData {
  readonly uid: number;
  /** The company's lock date when the load began, by scenario id; only where the plan locks. */
  readonly lockDate: string | null;
}

export interface Journey {
  readonly name: string;
  readonly loadClass: LoadClass;
  readonly service: BusinessService;
}

let session: ReturnType<typeof openSession> | undefined;

/** One for a VU, whatever the number of iterations. */
export function sessionOf(uid: number, timeoutMs: number, budgetMs: number): OdooSession {
  session ??= openSession(odooAccess, uid);
  return session.begin(timeoutMs, budgetMs);
}

export function runJourney(spec: ScenarioSpec, data: SetupData, journey: Journey, follow: (odoo: OdooSession) => Outcome): void {
  const { tags } = exec.vu.metrics;
  tags.load_class = journey.loadClass;
  tags.service = journey.service;
  tags.journey = journey.name;
  started.add(1);
  const startedAt = Date.now();
  const outcome = follow(sessionOf(data.uid, spec.timeoutMs, journeyBudgetMs(spec)));
  duration.add(Date.now() - startedAt, { outcome });
}
