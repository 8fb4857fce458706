import { describe, expect, test } from 'vitest';
import { seenBetween } from '../../../../src/import/litmus/seen-window.ts';
import type { Observation, PodObservation } from '../../../../src/model/run-records.ts';

const pod = (uid: string, changes: Partial<PodObservation> = {}): PodObservation => ({
  name: `erp-${uid}`,
  uid,
  phase: 'Running',
  ready: true,
  restarts: 0,
  deleting: false,
  createdServerAt: 0,
  readyServerAt: 0,
  ...changes,
});
const pods = (at: number, ...seen: readonly PodObservation[]): Observation => ({ at, source: 'pods', pods: seen });
const wanted = (at: number, replicas: number): Observation => ({
  at,
  source: 'deployment',
  name: 'erp',
  replicas,
  readyReplicas: replicas,
  updatedReplicas: replicas,
});

describe('seenBetween', () => {
  test('the window is the look before the first pod was seen going to the look that saw the last', () => {
    const window = seenBetween(
      [
        pods(0, pod('a'), pod('b')),
        pods(10, pod('a'), pod('b')),
        pods(11, pod('a', { deleting: true }), pod('b')),
        pods(12, pod('b'), pod('c', { ready: false })),
        pods(13, pod('b'), pod('c')),
        pods(20, pod('c')),
        pods(21, pod('c'), pod('d')),
      ],
      5,
      25,
    );
    expect(window.losses).toEqual([
      { name: 'erp-a', uid: 'a', afterAt: 10, seenAt: 11 },
      { name: 'erp-b', uid: 'b', afterAt: 13, seenAt: 20 },
    ]);
    expect(window).toMatchObject({ looks: 6, replacedAt: 21, replacements: ['erp-c', 'erp-d'] });
  });

  test('what went before or after is none of it', () => {
    const all = [pods(0, pod('a'), pod('b')), pods(4, pod('b')), pods(10, pod('b')), pods(30, pod('c'))];
    expect(seenBetween(all, 5, 20).losses).toEqual([]);
  });

  test('replicas that were no longer wanted are counted', () => {
    const all = [wanted(0, 2), pods(1, pod('a'), pod('b')), wanted(10, 1), pods(11, pod('a'))];
    expect(seenBetween(all, 5, 20)).toMatchObject({ scaledIn: 1, losses: [{ uid: 'b' }] });
  });

  test('without any look nothing was seen', () => {
    expect(seenBetween([], 0, 10)).toEqual({ losses: [], scaledIn: 0, looks: 0, replacedAt: null, replacements: [] });
  });
});
