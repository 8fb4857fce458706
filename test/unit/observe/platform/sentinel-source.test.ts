import { expect, test } from 'vitest';
import { sentinelSource } from '../../../../src/observe/platform/sentinel-source.ts';
import { createFakeClock } from '../../../fakes/fake-clock.ts';
import { createFakeSentinel } from '../../../fakes/fake-sentinel.ts';

function aSource() {
  const clock = createFakeClock();
  const sentinel = createFakeSentinel({ clock });
  const source = sentinelSource(sentinel, clock);
  const look = async () => {
    const [seen] = await source.look(new AbortController().signal);
    if (seen?.source !== 'sentinel') throw new Error('no observation');
    return seen;
  };
  return { clock, sentinel, look };
}

test('tells each server as it describes itself, and how far the replicas are behind', async () => {
  const { sentinel, look } = aSource();
  const third = sentinel.servers.get('10.0.0.3:6379');
  if (third !== undefined) Object.assign(third, { offset: 40, linkUp: false });
  expect(await look()).toMatchObject({
    group: 'sessions',
    master: '10.0.0.1:6379',
    configEpoch: 7,
    quorum: true,
    sentinels: 3,
    failoverInProgress: false,
    servers: [
      { address: '10.0.0.1:6379', role: 'master', linkUp: null, offset: 100, lagBytes: null },
      { address: '10.0.0.2:6379', role: 'replica', linkUp: true, lagBytes: 0 },
      { address: '10.0.0.3:6379', role: 'replica', linkUp: false, lagBytes: 60 },
    ],
  });
});

test('sees two masters while the old one has not been demoted, and a server that is gone', async () => {
  const { clock, sentinel, look } = aSource();
  await look();
  await sentinel.failover();
  await clock.sleep(1_500);
  const seen = await look();
  expect(seen.servers.filter(({ role }) => role === 'master').map(({ address }) => address)).toEqual([
    '10.0.0.2:6379',
    '10.0.0.1:6379',
  ]);
  sentinel.kill('10.0.0.1:6379');
  expect((await look()).servers.find(({ address }) => address === '10.0.0.1:6379')).toMatchObject({
    role: 'unreachable',
    lagBytes: null,
  });
});
