/** A plan of under a minute, for tests that need a whole run: one scenario, the probes asked for, and what the test adds. */
import { stringify } from 'yaml';

type Seconds = `${number}s`;

export interface ShortPlan {
  readonly name: string;
  readonly sabotage?: Readonly<Record<string, number | true>>;
  readonly probes?: readonly string[];
  readonly faults?: readonly object[];
  readonly objectives: readonly object[];
  readonly scenarios?: readonly object[];
  /** Default `24s`; tests without a fault that has to be got over need less. */
  readonly disturbance?: Seconds;
  readonly baseline?: Seconds;
  readonly workers?: { readonly min: number; readonly max: number };
  readonly extra?: Readonly<Record<string, unknown>>;
}

export function shortPlan({
  name,
  sabotage = {},
  probes = ['order-capture'],
  faults = [],
  objectives,
  scenarios,
  disturbance = '24s',
  baseline = '12s',
  workers = { min: 2, max: 3 },
  extra = {},
}: ShortPlan): string {
  const before = WARM_UP_SECONDS + secondsOf(baseline);
  // Ends a little before the recovery phase does, but not before preflight wants it to: 35 s after the last fault.
  const loadSeconds = Math.max(before + secondsOf(disturbance) + 6, before + lastFaultSeconds(faults) + 35);
  const recovery = Math.max(10, loadSeconds - before - secondsOf(disturbance));
  return stringify({
    schemaVersion: 1,
    name,
    seed: 7,
    // Synchronous: whatever else a test breaks, a crash by itself must lose nothing that was acknowledged.
    target: { kind: 'lab', workers, synchronousReplication: true, sabotage },
    dataset: { products: 40, categories: 4, customers: 20, stores: 1, tillsPerStore: 2, openingStock: 5000, hotProducts: 4 },
    phases: { warmUp: `${WARM_UP_SECONDS}s`, baseline, disturbance, recovery: `${recovery}s`, settle: '4s' },
    load: {
      scenarios: scenarios ?? [
        {
          id: 'flash-sale',
          kind: 'flash-sale',
          stages: [
            { ratePerSecond: 2, for: '1s' },
            { ratePerSecond: 2, for: `${loadSeconds - 1}s` },
          ],
        },
      ],
    },
    probes: probes.map((service) => ({ service, interval: '250ms', timeout: '30s', slow: '1500ms' })),
    faults,
    objectives,
    ...extra,
  });
}

const WARM_UP_SECONDS = 3;

const secondsOf = (text: unknown): number => (typeof text === 'string' ? Number.parseFloat(text) : 0);

/** When the last fault that takes something away is over, from the start of the disturbance; -Infinity without one. */
function lastFaultSeconds(faults: readonly object[]): number {
  const ends = (faults as readonly Readonly<Record<string, unknown>>[])
    .filter(({ kind }) => kind !== 'redis/flood')
    .map(
      ({ at, for: lasts, hold, repeat }) =>
        secondsOf(at) + secondsOf(lasts) + secondsOf(hold) + secondsOf((repeat as { for?: unknown } | undefined)?.for),
    );
  return Math.max(Number.NEGATIVE_INFINITY, ...ends);
}

export const KILL_ONE_WORKER = {
  id: 'kill-a-worker',
  kind: 'kubernetes/kill-pods',
  at: '3s',
  selector: 'app=erp',
  count: 1,
  force: true,
  proveWithin: '12s',
  revertWithin: '20s',
};
export const CRASH_PRIMARY = {
  id: 'primary-crash',
  kind: 'postgres/failover',
  at: '3s',
  mode: 'crash',
  proveWithin: '20s',
  revertWithin: '30s',
};
export const FLOOD_REDIS = { id: 'cache-flood', kind: 'redis/flood', at: '3s', mode: 'memory', for: '5s' };
