import { describe, expect, test } from 'vitest';
import { currentHolder, decide, type MemberView, type Situation } from '../../../../../lab/processes/patroni/decide.ts';

const standby: MemberView = {
  name: 'b',
  present: true,
  serverRunning: true,
  role: 'standby',
  lastRole: 'standby',
  lsn: 100n,
  following: 'a',
};
const primary: MemberView = { ...standby, name: 'a', role: 'primary', lastRole: 'primary', following: null };
const dead = (member: MemberView): MemberView => ({ ...member, serverRunning: false, role: null });
const gone = (member: MemberView): MemberView => ({ ...dead(member), present: false });

const TTL = 5_000;
function situation(changes: Partial<Situation>): Situation {
  return {
    now: 10_000,
    ttlMs: TTL,
    paused: false,
    maximumLagBytes: 50n,
    lock: { holder: 'a', changedAt: 9_000 },
    lastLeader: 'a',
    leaderLsn: 100n,
    onlyCandidate: null,
    self: primary,
    peers: [standby],
    ...changes,
  };
}

describe('the leader lock', () => {
  test('is held up to the ttl and free from that moment on', () => {
    const lock = { holder: 'a', changedAt: 1_000 };
    expect(currentHolder(lock, 1_000 + TTL - 1, TTL)).toBe('a');
    expect(currentHolder(lock, 1_000 + TTL, TTL)).toBeNull();
  });
});

describe('the holder of the lock', () => {
  test('keeps it while its server is a primary that answers', () => {
    expect(decide(situation({}))).toEqual({ kind: 'hold-lock' });
  });

  test('lets it run out when its server does not answer', () => {
    expect(decide(situation({ self: { ...primary, role: null } })).kind).toBe('wait');
  });

  test('gives it away when its server is dead and a standby is there', () => {
    expect(decide(situation({ self: dead(primary) })).kind).toBe('release-lock');
  });

  test('starts its server again when nobody can take over, or when paused, or before its very first start', () => {
    expect(decide(situation({ self: dead(primary), peers: [gone(standby)] }))).toEqual({ kind: 'start-primary' });
    expect(decide(situation({ self: dead(primary), paused: true }))).toEqual({ kind: 'start-primary' });
    expect(decide(situation({ self: { ...dead(primary), lastRole: null } }))).toEqual({ kind: 'start-primary' });
  });
});

describe('a standby', () => {
  const free = { lock: { holder: 'a', changedAt: 5_000 }, self: standby, peers: [gone(primary)] };

  test('waits while the lock of a dead leader lasts, and is promoted when it ran out', () => {
    expect(decide(situation({ ...free, now: 9_999 })).kind).toBe('wait');
    expect(decide(situation({ ...free, now: 10_000 }))).toEqual({ kind: 'promote' });
  });

  test('is not promoted when it lags more than maximum_lag_on_failover, and is on the very limit', () => {
    expect(decide(situation({ ...free, leaderLsn: 151n })).kind).toBe('wait');
    expect(decide(situation({ ...free, leaderLsn: 150n }))).toEqual({ kind: 'promote' });
  });

  test('is not promoted in synchronous mode unless it is the synchronous standby', () => {
    expect(decide(situation({ ...free, onlyCandidate: { name: null } })).kind).toBe('wait');
    expect(decide(situation({ ...free, onlyCandidate: { name: 'b' } }))).toEqual({ kind: 'promote' });
  });

  test('is not promoted while paused', () => {
    expect(decide(situation({ ...free, paused: true })).kind).toBe('wait');
  });

  test('leaves the race to a standby with more WAL, and to the first by name at a tie', () => {
    const other = { ...standby, name: 'c' };
    expect(decide(situation({ ...free, peers: [{ ...other, lsn: 101n }] })).kind).toBe('wait');
    expect(decide(situation({ ...free, peers: [other] }))).toEqual({ kind: 'promote' });
    expect(decide(situation({ ...free, self: other, peers: [standby] })).kind).toBe('wait');
  });

  test('is pointed at the leader that it does not follow yet, keeping its files', () => {
    expect(decide(situation({ self: { ...standby, following: 'c' } }))).toEqual({ kind: 'follow', leader: 'a', clone: false });
    expect(decide(situation({ self: dead(standby) }))).toEqual({ kind: 'follow', leader: 'a', clone: false });
    expect(decide(situation({ self: standby })).kind).toBe('wait');
  });
});

describe('a former primary', () => {
  const replaced = {
    lock: { holder: 'b', changedAt: 9_000 },
    lastLeader: 'b',
    peers: [{ ...standby, role: 'primary' as const }],
  };

  test('becomes a clone of the new leader, whether its server is dead or still writes', () => {
    const clone = { kind: 'follow', leader: 'b', clone: true };
    expect(decide(situation({ ...replaced, self: dead(primary) }))).toEqual(clone);
    expect(decide(situation({ ...replaced, self: primary }))).toEqual(clone);
  });

  test('does not start without a leader when another one led last', () => {
    const lock = { holder: null, changedAt: 9_000 };
    expect(decide(situation({ lastLeader: 'b', lock, self: dead(primary), peers: [gone(standby)] })).kind).toBe('wait');
  });

  test('that led last starts again when the standby did not come forward within two ttl', () => {
    const lock = { holder: null, changedAt: 0 };
    const stuck = { lock, self: dead(primary), peers: [standby] };
    expect(decide(situation({ ...stuck, now: 2 * TTL - 1 })).kind).toBe('wait');
    expect(decide(situation({ ...stuck, now: 2 * TTL }))).toEqual({ kind: 'start-primary' });
  });

  test('that still runs takes a free lock back', () => {
    expect(decide(situation({ lock: { holder: null, changedAt: 9_000 } }))).toEqual({ kind: 'hold-lock' });
  });
});
