import { describe, expect, test } from 'vitest';
import type { Observation } from '../../../../src/model/run-records.ts';
import type { ObserverGap } from '../../../../src/observe/platform/observer-loop.ts';
import { type ObserverDoors, startObservers } from '../../../../src/observe/platform/start-observers.ts';
import { createFakeClock } from '../../../fakes/fake-clock.ts';
import { createFakeKubernetes } from '../../../fakes/fake-kubernetes.ts';
import { createFakePatroni } from '../../../fakes/fake-patroni.ts';
import { createFakePostgres } from '../../../fakes/fake-postgres.ts';
import { createFakeRedis } from '../../../fakes/fake-redis.ts';

const START = 1_700_000_000_000;
const HPA = {
  name: 'odoo',
  currentReplicas: 2,
  desiredReplicas: 3,
  minReplicas: 2,
  maxReplicas: 5,
  metric: 'cpu',
  currentValue: 90,
  targetValue: 60,
  conditions: [],
  behavior: { scaleUp: {} },
};

function aPlatform(doors: ObserverDoors = {}) {
  const clock = createFakeClock({ auto: false });
  const kubernetes = createFakeKubernetes({ clock });
  const postgres = createFakePostgres();
  const observations: Observation[] = [];
  const gaps: ObserverGap[] = [];
  const all = { kubernetes, postgres, patroni: createFakePatroni({ clock }), redis: createFakeRedis({ clock }) };
  const start = () =>
    startObservers({
      connections: {
        kubernetes: { namespace: 'erp', deployment: 'odoo', hpa: 'odoo' },
        ingressHealthUrl: 'http://127.0.0.1/health',
      },
      doors: { ...all, get: async () => ({ status: 200 }), ...doors },
      intervalMs: 1_000,
      write: (observation) => observations.push(observation),
      gap: (gap) => gaps.push(gap),
      clock,
    });
  const times = (source: Observation['source']) =>
    observations.filter((seen) => seen.source === source).map(({ at }) => at - START);
  return { clock, kubernetes, postgres, observations, gaps, start, times };
}

describe('startObservers', () => {
  test('watches every source at the fixed rate', async () => {
    const { clock, kubernetes, observations, gaps, start, times } = aPlatform();
    kubernetes.hpa = HPA;
    const observers = start();
    await clock.advance(2_500);
    await observers.stop();
    for (const source of ['hpa', 'deployment', 'pods', 'nodes', 'patroni', 'postgres', 'redis', 'ingress'] as const) {
      expect([source, times(source)]).toEqual([source, [0, 1_000, 2_000]]);
    }
    expect(gaps).toEqual([]);
    expect(observations.find(({ source }) => source === 'hpa')).toEqual({
      at: START,
      source: 'hpa',
      name: 'odoo',
      currentReplicas: 2,
      desiredReplicas: 3,
      minReplicas: 2,
      maxReplicas: 5,
      metric: 'cpu',
      currentValue: 90,
      targetValue: 60,
      conditions: [],
    });
    expect(observations.find(({ source }) => source === 'pods')).toMatchObject({ pods: [{ uid: 'uid-1' }, {}, {}, {}] });
    expect(observations.find(({ source }) => source === 'redis')).toMatchObject({
      maxMemoryBytes: 10_000_000,
      policy: 'noeviction',
    });
  });

  test('only looks where there is a door', async () => {
    const clock = createFakeClock({ auto: false });
    const observations: Observation[] = [];
    const gap = () => expect.unreachable();
    const observers = startObservers({
      connections: {},
      doors: {},
      intervalMs: 1_000,
      write: (seen) => observations.push(seen),
      gap,
      clock,
    });
    await clock.advance(3_000);
    await observers.stop();
    expect(observations).toEqual([]);
  });

  test('a source that fails for a while is one gap from its first failed look to its next answer, and no other source notices', async () => {
    const { clock, kubernetes, postgres, gaps, start, times } = aPlatform();
    kubernetes.hpa = HPA;
    const observers = start();
    await clock.advance(1_500);
    postgres.down = 'connection refused';
    await clock.advance(3_000);
    postgres.down = null;
    await clock.advance(1_000);
    await observers.stop();
    expect(gaps).toEqual([
      {
        at: START + 5_000,
        type: 'observer-gap',
        source: 'postgres',
        fromAt: START + 2_000,
        detail: 'connection refused (3 looks failed)',
      },
    ]);
    expect(times('postgres')).toEqual([0, 1_000, 5_000]);
    expect(times('redis')).toEqual([0, 1_000, 2_000, 3_000, 4_000, 5_000]);
  });

  test('a gap that is still open when the run ends is told then', async () => {
    const { clock, gaps, start } = aPlatform();
    const observers = start();
    await clock.advance(1_500);
    await observers.stop();
    expect(gaps).toEqual([expect.objectContaining({ source: 'hpa', fromAt: START, at: START + 1_500 })]);
  });

  test('a look that hangs is given up at its deadline, costs the looks it covers, and shifts none', async () => {
    let looks = 0;
    const get = async () => {
      looks += 1;
      if (looks === 2) await new Promise(() => {});
      return { status: 200 };
    };
    const { clock, kubernetes, gaps, start, times } = aPlatform({ get });
    kubernetes.hpa = HPA;
    const observers = start();
    await clock.advance(8_500);
    await observers.stop();
    expect(times('ingress')).toEqual([0, 6_000, 7_000, 8_000]);
    expect(times('postgres')).toHaveLength(9);
    expect(gaps).toMatchObject([{ source: 'ingress', fromAt: START + 1_000, detail: expect.stringContaining('within 5 s') }]);
  });

  test('writes each event of the namespace once, again when it happened again, and none from before the run', async () => {
    const { clock, kubernetes, observations, start } = aPlatform();
    const event = (message: string, count: number) => ({
      reason: 'Killing',
      object: 'Pod/odoo-1',
      message,
      count,
      serverAt: count,
    });
    kubernetes.events.push(event('old', 1));
    const observers = start();
    await clock.advance(500);
    kubernetes.events.push(event('new', 1));
    await clock.advance(2_000);
    kubernetes.events.splice(1, 1, event('new', 2));
    await clock.advance(2_000);
    await observers.stop();
    const seen = observations.flatMap((each) => (each.source === 'events' ? [[each.message, each.count]] : []));
    expect(seen).toEqual([
      ['new', 1],
      ['new', 2],
    ]);
  });
});
