/** The probe of the session store as a run has it, and two ways of counting what was lost: the ledger's, and SCAN on the final master. */
import { prefixPattern, scanKeys } from '../../chaos/redis/keys.ts';
import { awaitCondition } from '../../src/clients/await-condition.ts';
import { systemClock } from '../../src/clients/clock.ts';
import type { LedgerWrite, ProbeRecord } from '../../src/model/run-records.ts';
import { readBackSessions, removeSessions } from '../../src/observe/ledger/read-back-sessions.ts';
import { startProbes } from '../../src/observe/probes/start-probes.ts';
import type { RedisDoors } from '../../src/run/redis-doors.ts';
import { aCatalogue } from '../builders/a-catalogue.ts';
import { FakeOdoo } from '../fakes/fake-odoo.ts';

export interface SessionRun {
  readonly records: readonly ProbeRecord[];
  readonly writes: readonly LedgerWrite[];
  acknowledged(): readonly string[];
  /** Resolves when a write sent from now on was good. */
  awaitGood(timeoutMs: number): Promise<void>;
  stop(): Promise<void>;
  /** Acknowledged keys that the read-back of the ledger does not find, sorted. */
  readLost(): Promise<readonly string[]>;
  /** Every key of this run that is on the server that the Sentinels name. */
  scan(): Promise<ReadonlySet<string>>;
  /** Acknowledged keys that {@link scan} did not find, sorted. */
  absentFrom(kept: ReadonlySet<string>): readonly string[];
  /** Longest time between two good answers, ms. */
  longestGapMs(): number;
  remove(): Promise<readonly string[]>;
}

type Doors = Pick<RedisDoors, 'redis' | 'sessions'>;

/** Writes sessions until `stop`; resolves when the first are acknowledged. */
export async function startSessionRun(doors: Doors, runId: string, intervalMs = 25): Promise<SessionRun> {
  const records: ProbeRecord[] = [];
  const writes: LedgerWrite[] = [];
  const probes = await startProbes({
    specs: [{ service: 'session-store', intervalMs, timeoutMs: 20_000, slowMs: 1_000 }],
    odoo: new FakeOdoo(),
    catalogue: aCatalogue(),
    sessions: doors.sessions,
    runId,
    clock: systemClock,
    write: (record) => records.push(record),
    ledger: (write) => writes.push(write),
  });
  const good = () => records.filter((record) => record.good);
  await awaitCondition('first sessions', async () => good().length, {
    until: (count) => count > 20,
    timeoutMs: 20_000,
    clock: systemClock,
  });
  const acknowledged = () => writes.filter(({ outcome }) => outcome === 'ok').map(({ key }) => key);
  return {
    records,
    writes,
    acknowledged,
    async awaitGood(timeoutMs) {
      const since = systemClock.now();
      await awaitCondition('a good write', async () => records.findLast((record) => record.good)?.sentAt ?? 0, {
        until: (sentAt) => sentAt >= since,
        timeoutMs,
        clock: systemClock,
      });
    },
    async stop() {
      await systemClock.sleep(500);
      await probes.stop();
    },
    async readLost() {
      const known = new Set(acknowledged());
      const absent: string[] = [];
      for await (const row of readBackSessions(doors.redis, writes, { pass: 1, clock: systemClock })) {
        if (row.row !== 'read-back') throw new Error(`${row.what}: ${row.detail}`);
        if (row.count === 0 && known.has(row.key)) absent.push(row.key);
      }
      return absent.toSorted();
    },
    async scan() {
      const found = new Set<string>();
      const master = await doors.redis.connect();
      try {
        for await (const keys of scanKeys(master, prefixPattern(`peakproof:${runId}:`))) for (const key of keys) found.add(key);
      } finally {
        await master.close();
      }
      return found;
    },
    absentFrom: (kept) =>
      acknowledged()
        .filter((key) => !kept.has(key))
        .toSorted(),
    longestGapMs() {
      const times = good()
        .map(({ answeredAt }) => answeredAt)
        .toSorted((one, other) => one - other);
      return Math.max(...times.map((at, index) => at - (times[index - 1] ?? at)));
    },
    remove: () => removeSessions(doors.redis, writes),
  };
}
