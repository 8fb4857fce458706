import { describe, expect, test } from 'vitest';
import type { LedgerRow, LedgerWrite, ProbeRecord } from '../../../../src/model/run-records.ts';
import { OTHER_VALUE, readBackSessions, removeSessions } from '../../../../src/observe/ledger/read-back-sessions.ts';
import { startProbes } from '../../../../src/observe/probes/start-probes.ts';
import { aCatalogue } from '../../../builders/a-catalogue.ts';
import { createFakeClock } from '../../../fakes/fake-clock.ts';
import { FakeOdoo } from '../../../fakes/fake-odoo.ts';
import { createFakeSessionStore, type FakeSessionStore } from '../../../fakes/fake-session-store.ts';

/** Ten sessions under run r1, and what was recorded of them. */
async function tenWrites(fate: FakeSessionStore['fate'] = () => 'kept', failoverDetector?: boolean) {
  const clock = createFakeClock({ auto: false });
  const sessions = createFakeSessionStore(clock);
  sessions.fate = fate;
  const records: ProbeRecord[] = [];
  const writes: LedgerWrite[] = [];
  const detector = failoverDetector === undefined ? {} : { failoverDetector };
  const probes = await startProbes({
    specs: [{ service: 'session-store', intervalMs: 50, timeoutMs: 5_000, slowMs: 500, ...detector }],
    odoo: new FakeOdoo(),
    catalogue: aCatalogue(),
    sessions,
    sessionTtlSeconds: 900,
    runId: 'r1',
    clock,
    write: (record) => records.push(record),
    ledger: (write) => writes.push(write),
  });
  await clock.advance(460);
  await probes.stop();
  const readBack = async (): Promise<LedgerRow[]> => {
    const rows: LedgerRow[] = [];
    for await (const row of readBackSessions(sessions.redis, writes, { pass: 1, clock: createFakeClock() })) rows.push(row);
    return rows;
  };
  return { sessions, records, writes, readBack };
}

const counts = (rows: readonly LedgerRow[]) => rows.map((row) => (row.row === 'read-back' ? row.count : row.row));

describe('the probe of the session store', () => {
  test('writes at its rate, under keys of this run that expire, and closes its client', async () => {
    const { sessions, records, writes } = await tenWrites();
    expect(records.map(({ key }) => key)).toEqual(Array.from({ length: 10 }, (_, n) => `peakproof:r1:session:${n}`));
    expect(records.every(({ good, service }) => good && service === 'session-store')).toBe(true);
    expect(writes[0]).toMatchObject({ row: 'write', model: 'redis.session', effect: 'create', origin: 'probe', outcome: 'ok' });
    expect([...sessions.ttls]).toEqual([900]);
    expect([sessions.opened, sessions.closed]).toEqual([[false], 1]);
  });

  test('uses the failover detector of the client only when the plan says so', async () => {
    expect((await tenWrites(() => 'kept', true)).sessions.opened).toEqual([true]);
  });

  test('keeps refused writes out of the ledger and unknown ones in it', async () => {
    const { records, writes } = await tenWrites((key) =>
      key.endsWith('3') ? 'fail' : key.endsWith('4') ? 'unknown but kept' : 'kept',
    );
    expect(records.map(({ outcome }) => outcome).filter((outcome) => outcome !== 'ok')).toEqual(['fail', 'unknown']);
    expect(writes).toHaveLength(9);
    expect(writes.find(({ key }) => key.endsWith(':4'))?.outcome).toBe('unknown');
  });

  test('cannot start without Redis', async () => {
    const starting = startProbes({
      specs: [{ service: 'session-store', intervalMs: 50, timeoutMs: 5_000, slowMs: 500 }],
      odoo: new FakeOdoo(),
      catalogue: aCatalogue(),
      runId: 'r1',
      clock: createFakeClock({ auto: false }),
      write: () => undefined,
      ledger: () => undefined,
    });
    await expect(starting).rejects.toThrow(/needs Redis/);
  });
});

describe('the read-back of sessions', () => {
  test('finds what was kept and not what was acknowledged and lost', async () => {
    const { records, readBack } = await tenWrites((key) =>
      Number(key.split(':').at(-1)) < 7 ? 'acknowledged and lost' : 'kept',
    );
    expect(records.every(({ good }) => good)).toBe(true);
    expect(counts(await readBack())).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 1, 1]);
  });

  test('does not take another value under the key for the session', async () => {
    const { sessions, readBack } = await tenWrites();
    sessions.kept.set('peakproof:r1:session:5', 'somebody else');
    const rows = await readBack();
    expect(rows[5]).toMatchObject({ count: 0, states: [OTHER_VALUE] });
    expect(counts(rows).reduce((sum: number, count) => sum + Number(count), 0)).toBe(9);
  });

  test('of a replica is a gap, not an absence', async () => {
    const { sessions, readBack } = await tenWrites();
    sessions.role = 'slave';
    expect(await readBack()).toMatchObject([
      { row: 'gap', what: 'read-back 1 of redis.session', detail: expect.stringContaining('is a replica') },
    ]);
  });

  test('removes exactly the sessions that were written', async () => {
    const { sessions, writes } = await tenWrites();
    sessions.kept.set('peakproof:r2:session:1', 'of another run');
    sessions.kept.set('session:1', 'of a user');
    expect(await removeSessions(sessions.redis, writes)).toEqual([]);
    expect([...sessions.kept.keys()]).toEqual(['peakproof:r2:session:1', 'session:1']);
  });

  test('asks no Redis when nothing was written to it', async () => {
    const rows = readBackSessions(undefined, [], { pass: 1, clock: createFakeClock() });
    expect(await rows.next()).toMatchObject({ done: true });
    expect(await removeSessions(undefined, [])).toEqual([]);
  });
});
