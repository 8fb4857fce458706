import { expect, test } from 'vitest';
import { fetchOtherClients } from '../../../../chaos/redis/other-clients.ts';
import type { RedisPort } from '../../../../src/clients/ports.ts';

const listing = (...lines: readonly string[]) =>
  fetchOtherClients({ command: async () => lines.join('\n') } as unknown as RedisPort);

test('counts connections of the application, and neither the harness, nor replicas, nor Sentinels', async () => {
  const plumbing = [
    'id=3 addr=10.0.0.2:1 name= flags=S db=0 cmd=replconf',
    'id=4 addr=10.0.0.9:1 name=sentinel-148d4a19-cmd flags=N db=0 cmd=ping',
    'id=5 addr=10.0.0.9:2 name=sentinel-148d4a19-pubsub flags=P db=0 cmd=subscribe',
    'id=6 addr=127.0.0.1:9 name=peakproof-sessions flags=N db=0 cmd=set',
  ];
  expect(await listing(...plumbing)).toMatchObject({ count: 0, told: expect.stringContaining('not on the path') });
  expect(await listing(...plumbing, 'id=7 name=erp flags=N db=0', 'id=8 name= flags=b db=0')).toMatchObject({
    count: 2,
    told: '2 connections of others (erp)',
  });
});
