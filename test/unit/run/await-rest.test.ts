import { describe, expect, test } from 'vitest';
import type { HpaView } from '../../../src/clients/ports.ts';
import { awaitRest } from '../../../src/run/await-rest.ts';
import { createFakeClock } from '../../fakes/fake-clock.ts';
import { createFakeKubernetes } from '../../fakes/fake-kubernetes.ts';

const HPA: HpaView = {
  name: 'odoo',
  currentReplicas: 2,
  desiredReplicas: 2,
  minReplicas: 2,
  maxReplicas: 5,
  metric: 'cpu',
  currentValue: 20,
  targetValue: 60,
  metrics: [],
  conditions: [],
  behavior: {},
};

/** The autoscaler answers the seeding 8 s late and calms down 20 s after that; pods are measured every 10 s. */
async function rest(options: { readonly judged: boolean; readonly neverCalm?: boolean }) {
  const clock = createFakeClock();
  const startedAt = clock.monotonic();
  const wallAt = clock.now();
  const seconds = (): number => (clock.monotonic() - startedAt) / 1_000;
  const fake = createFakeKubernetes({ clock });
  const kubernetes = {
    ...fake,
    fetchHpa: async (): Promise<HpaView> => {
      const busy = seconds() >= 8 && (options.neverCalm === true || seconds() < 28);
      return busy ? { ...HPA, currentReplicas: 3, desiredReplicas: 3 } : HPA;
    },
    fetchPodMetrics: async () => [
      {
        ...{ name: 'odoo-1', cpuCores: 0.1, memoryBytes: null, windowMs: 10_000 },
        serverAt: wallAt - 5_000 + Math.floor((seconds() + 5) / 10) * 10_000,
      },
    ],
  };
  const note = await awaitRest({
    ...{ kubernetes, hpa: 'odoo', deployment: 'odoo', syncMs: 5_000, clock, judged: options.judged },
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
  return { note, waited: seconds() };
}

describe('awaitRest', () => {
  test('an autoscaler that has not seen the seeding yet is not taken for one at rest, where it is judged', async () => {
    const { note, waited } = await rest({ judged: true });
    expect(note).toBeUndefined();
    expect(waited).toBeGreaterThanOrEqual(28);
  });

  test('nobody waits for metrics where it is not judged', async () => {
    expect(await rest({ judged: false })).toEqual({ note: undefined, waited: 0 });
  });

  test('one that does not come to rest is told', async () => {
    const { note } = await rest({ judged: true, neverCalm: true });
    expect(note).toContain('HPA odoo was not at rest 90 s after seeding: 3 replicas');
  });
});
