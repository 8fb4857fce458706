/**
 * What one member's agent does next: Patroni's high-availability loop, reduced to a pair that shares one machine. Pure, so
 * that every situation can be tried against a clock of paper. The rules behave as Patroni does with
 * `primary_start_timeout: 0`: a leader whose server died gives the lock away when somebody else can take it.
 */

/** What an agent knows about a member when it decides. */
export interface MemberView {
  readonly name: string;
  /** The pod, and with it the agent, is there. */
  readonly present: boolean;
  readonly serverRunning: boolean;
  /** Null: the server runs but does not answer, or does not run. */
  readonly role: 'primary' | 'standby' | null;
  /** What its files were last used as; null before its first start. */
  readonly lastRole: 'primary' | 'standby' | null;
  readonly lsn: bigint;
  /** Member that a standby follows. */
  readonly following: string | null;
}

export interface LeaderLock {
  readonly holder: string | null;
  /** When the holder last renewed it, or when it became free. */
  readonly changedAt: number;
}

export interface Situation {
  readonly now: number;
  readonly ttlMs: number;
  readonly paused: boolean;
  readonly maximumLagBytes: bigint;
  readonly lock: LeaderLock;
  readonly lastLeader: string;
  /** Last WAL position that a leader published. */
  readonly leaderLsn: bigint;
  /** Set in synchronous mode: the only member that may be promoted. */
  readonly onlyCandidate: { readonly name: string | null } | null;
  readonly self: MemberView;
  readonly peers: readonly MemberView[];
}

export type Action =
  | { readonly kind: 'wait'; readonly because: string }
  /** Take or keep the leader lock. */
  | { readonly kind: 'hold-lock' }
  | { readonly kind: 'release-lock'; readonly because: string }
  | { readonly kind: 'promote' }
  | { readonly kind: 'start-primary' }
  /** Run as a standby of `leader`; `clone` replaces the files first, stopping a server that still runs. */
  | { readonly kind: 'follow'; readonly leader: string; readonly clone: boolean };

/** Holder of a lock that has not run out. */
export function currentHolder(lock: LeaderLock, now: number, ttlMs: number): string | null {
  return lock.holder !== null && now - lock.changedAt < ttlMs ? lock.holder : null;
}

export function decide(situation: Situation): Action {
  const holder = currentHolder(situation.lock, situation.now, situation.ttlMs);
  if (holder === situation.self.name) return decideAsHolder(situation);
  if (holder !== null) return decideAsFollower(situation, holder);
  return decideWithoutLeader(situation);
}

function decideAsHolder({ self, peers, paused }: Situation): Action {
  if (self.serverRunning) {
    if (self.role === null) return { kind: 'wait', because: 'the server does not answer; the lock runs out' };
    return self.role === 'primary' ? { kind: 'hold-lock' } : { kind: 'promote' };
  }
  const successor = peers.some((peer) => peer.present && peer.role === 'standby');
  if (self.lastRole === 'primary' && successor && !paused) {
    return { kind: 'release-lock', because: 'the server of the leader is down and primary_start_timeout is 0' };
  }
  return { kind: 'start-primary' };
}

function decideAsFollower({ self }: Situation, leader: string): Action {
  if (self.serverRunning && self.role === null) return { kind: 'wait', because: 'the server does not answer' };
  // A former primary may hold WAL that the new leader never got, and there is no pg_rewind here: its files are replaced.
  if (self.role === 'primary' || self.lastRole === 'primary') return { kind: 'follow', leader, clone: true };
  if (!self.serverRunning || self.following !== leader) return { kind: 'follow', leader, clone: false };
  return { kind: 'wait', because: `following ${leader}` };
}

function decideWithoutLeader(situation: Situation): Action {
  const { self, peers, lastLeader, lock, now, ttlMs, paused } = situation;
  if (self.role === 'primary') return { kind: 'hold-lock' };
  if (self.role === 'standby') {
    if (paused) return { kind: 'wait', because: 'paused' };
    const obstacle = whyNotPromotable(situation, self) ?? betterPeer(self, peers);
    return obstacle === null ? { kind: 'promote' } : { kind: 'wait', because: obstacle };
  }
  if (self.serverRunning) return { kind: 'wait', because: 'the server does not answer' };
  if (self.name !== lastLeader) {
    if (self.lastRole === 'primary') return { kind: 'wait', because: 'a former primary waits for a leader to copy from' };
    return { kind: 'follow', leader: lastLeader, clone: false };
  }
  const successor = peers.some((peer) => peer.present && peer.role === 'standby' && whyNotPromotable(situation, peer) === null);
  // A successor that does not come forward within a ttl is none.
  if (successor && now - lock.changedAt < 2 * ttlMs) return { kind: 'wait', because: 'a standby can take over' };
  return { kind: 'start-primary' };
}

/** Why a standby may not become the primary by itself, or null. */
export function whyNotPromotable(
  situation: Pick<Situation, 'onlyCandidate' | 'leaderLsn' | 'maximumLagBytes'>,
  member: Pick<MemberView, 'name' | 'lsn'>,
): string | null {
  const { onlyCandidate, leaderLsn, maximumLagBytes } = situation;
  if (onlyCandidate !== null && onlyCandidate.name !== member.name) return 'it is not the synchronous standby';
  if (leaderLsn - member.lsn > maximumLagBytes) return `it lags more than maximum_lag_on_failover (${maximumLagBytes} bytes)`;
  return null;
}

function betterPeer(self: MemberView, peers: readonly MemberView[]): string | null {
  const better = peers.find(
    (peer) =>
      peer.present && peer.role === 'standby' && (peer.lsn > self.lsn || (peer.lsn === self.lsn && peer.name < self.name)),
  );
  return better === undefined ? null : `${better.name} has more WAL`;
}
