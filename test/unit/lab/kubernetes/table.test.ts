import { describe, expect, test } from 'vitest';
import { humanDuration } from '../../../../lab/processes/kubernetes/duration.ts';
import { negotiate } from '../../../../lab/processes/kubernetes/negotiate.ts';
import type { Pod } from '../../../../lab/processes/kubernetes/objects.ts';
import { renderTable } from '../../../../lab/processes/kubernetes/table.ts';

const nowMs = Date.parse('2026-05-01T10:00:00Z');

function aPod(change: Partial<Pod['metadata']> = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'erp-1', uid: 'u', resourceVersion: '7', creationTimestamp: '2026-05-01T09:57:55Z', ...change },
    spec: { containers: [{ name: 'erp', image: 'erp' }], nodeName: 'node' },
    status: {
      phase: 'Running',
      conditions: [],
      qosClass: 'Burstable',
      containerStatuses: [
        {
          name: 'erp',
          ready: true,
          started: true,
          restartCount: 2,
          image: 'erp',
          imageID: '',
          state: { running: { startedAt: '2026-05-01T09:59:00Z' } },
          lastState: {
            terminated: { exitCode: 137, reason: 'Error', startedAt: '', finishedAt: '2026-05-01T09:59:00Z', containerID: '' },
          },
        },
      ],
    },
  };
}

describe('renderTable', () => {
  test('shows a pod as kubectl users know it', () => {
    const table = renderTable('pods', [aPod()], { nowMs, includeObject: 'None' });
    expect(table).toMatchObject({
      kind: 'Table',
      rows: [{ cells: ['erp-1', '1/1', 'Running', '2 (60s ago)', '2m5s', '<none>', 'node', '<none>', '<none>'] }],
    });
  });

  test('shows a pod that is being deleted as Terminating', () => {
    const table = renderTable('pods', [aPod({ deletionTimestamp: '2026-05-01T10:00:30Z' })], { nowMs, includeObject: 'None' });
    expect(table).toMatchObject({ rows: [{ cells: expect.arrayContaining(['Terminating']) }] });
  });

  test('carries as much of the object as was asked for', () => {
    const row = (includeObject: 'Metadata' | 'Object') => renderTable('pods', [aPod()], { nowMs, includeObject });
    expect(row('Metadata')).toMatchObject({ rows: [{ object: { kind: 'PartialObjectMetadata', metadata: { name: 'erp-1' } } }] });
    expect(row('Object')).toMatchObject({ rows: [{ object: { kind: 'Pod', spec: { nodeName: 'node' } } }] });
  });
});

describe('negotiate', () => {
  const kubectl =
    'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';

  test('gives a table to kubectl and plain JSON to everyone else', () => {
    expect(negotiate(kubectl, new URLSearchParams('includeObject=Object'))).toEqual({ table: true, includeObject: 'Object' });
    expect(negotiate('application/vnd.kubernetes.protobuf,application/json', new URLSearchParams())).toEqual({ table: false });
    expect(negotiate(undefined, new URLSearchParams())).toEqual({ table: false });
  });

  test('refuses a client that takes no JSON', () => {
    expect(() => negotiate('application/vnd.kubernetes.protobuf', new URLSearchParams())).toThrow(
      /only the following media types/,
    );
  });
});

describe('humanDuration', () => {
  test.each([
    [0, '0s'],
    [119, '119s'],
    [120, '2m'],
    [125, '2m5s'],
    [11 * 60, '11m'],
    [179 * 60, '179m'],
    [3 * 3600 + 60, '3h1m'],
    [9 * 3600, '9h'],
    [50 * 3600, '2d2h'],
    [20 * 86400, '20d'],
    [800 * 86400, '2y70d'],
  ])('%i s is %s', (seconds, expected) => {
    expect(humanDuration(seconds * 1000)).toBe(expected);
  });
});
