/** What watching costs the watched: CPU of the lab's processes at rest, under the observers, and under observers and probes, in one run. */
import { readFileSync } from 'node:fs';
import { systemClock } from '../../src/clients/clock.ts';
import { startLab } from '../../src/clients/lab.ts';
import { startObservers } from '../../src/observe/platform/start-observers.ts';
import { startProbes } from '../../src/observe/probes/start-probes.ts';
import { readPlan } from '../../src/plan/read-plan.ts';
import { connectionsOf, openDoors } from '../../src/run/connections.ts';
import { seedTarget } from '../../src/seed/seed-target.ts';
import { shortPlan } from '../e2e/short-plan.ts';

export interface WatchingCost {
  readonly what: string;
  /** CPU seconds of all processes of the lab for each second. */
  readonly coresUsed: number;
}

const SPAN_MS = 15_000;
const TICKS_PER_SECOND = 100;

interface LabState {
  readonly supervisorPid: number;
  readonly postgres: readonly { readonly pid: number | null }[];
  readonly redis: { readonly pid: number };
  readonly erp: readonly { readonly pid: number | null }[];
  readonly network: { readonly pid: number };
}

export async function benchWatching(): Promise<readonly WatchingCost[]> {
  const services = ['order-capture', 'pos', 'financial-posting'] as const;
  const plan = readPlan(
    shortPlan({ name: 'watching', probes: services, objectives: [{ id: 'x', kind: 'data-loss', service: 'pos' }] }),
    'plan',
  );
  if (plan.target.kind !== 'lab') throw new Error('the plan must want a lab');
  const lab = await startLab({ spec: plan.target, name: `bench-${process.pid}` });
  try {
    const connections = connectionsOf(plan, lab.connection);
    const doors = await openDoors(connections, process.env);
    const { controlUrl } = lab.connection as typeof lab.connection & { readonly controlUrl: string };
    await doors.odoo.login();
    const catalogue = await seedTarget(doors.odoo, plan.dataset, plan.seed);
    const rows: WatchingCost[] = [await measure('at rest', controlUrl)];
    const common = { clock: systemClock, gap: () => undefined };
    const observers = startObservers({ connections, doors: doors.faults, intervalMs: 1_000, write: () => undefined, ...common });
    rows.push(await measure('observers every 1 s', controlUrl));
    const probes = await startProbes({
      specs: plan.probes.map((probe) => ({ ...probe, intervalMs: 1_000 })),
      odoo: doors.odoo,
      catalogue,
      runId: 'bench',
      clock: systemClock,
      write: () => undefined,
      ledger: () => undefined,
    });
    rows.push(await measure('observers, and three probes every 1 s', controlUrl));
    await probes.stop();
    await observers.stop();
    await doors.close();
    return rows;
  } finally {
    await lab.stop();
  }
}

async function measure(what: string, controlUrl: string): Promise<WatchingCost> {
  const pids = await pidsOf(controlUrl);
  const before = cpuSeconds(pids);
  const startedAt = performance.now();
  await systemClock.sleep(SPAN_MS);
  return { what, coresUsed: (cpuSeconds(pids) - before) / ((performance.now() - startedAt) / 1_000) };
}

async function pidsOf(controlUrl: string): Promise<number[]> {
  const state = (await (await fetch(`${controlUrl}/state`)).json()) as LabState;
  const pids = [
    state.supervisorPid,
    state.redis.pid,
    state.network.pid,
    ...state.postgres.map(({ pid }) => pid),
    ...state.erp.map(({ pid }) => pid),
  ];
  return pids.filter((pid) => pid !== null);
}

/** User and system time of the processes and of their ended children. */
function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return sum + fields.slice(11, 15).reduce((ticks, field) => ticks + Number(field), 0) / TICKS_PER_SECOND;
  }, 0);
}
