/**
 * The pair under Patroni's rules: a leader lock with a time to live, an agent a member, planned and forced changes of the
 * leader. There is one process behind it instead of a consensus store, so the lock cannot be lost to a partition.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../lab-error.ts';
import { formatLsn, readControlFile, readTimelineHistory } from '../postgres/data-directory.ts';
import type { PostgresMember } from '../postgres/member.ts';
import { awaitCondition, WAITS } from '../wait.ts';
import { type AgentHost, MemberAgent } from './agent.ts';
import { type Action, currentHolder, decide, type LeaderLock, type Situation, whyNotPromotable } from './decide.ts';
import { type DynamicConfig, patchConfig } from './dynamic-config.ts';

/** An entry of `/history`: timeline that ended, WAL position, reason, time, new leader. */
export type HistoryEntry = readonly [number, number, string, string, string];

export interface ClusterOptions {
  readonly scope: string;
  readonly servers: readonly PostgresMember[];
  readonly config: DynamicConfig;
  /** Points the application's path at the leader's port; null while there is none. */
  readonly onLeader: (port: number | null) => Promise<void>;
  readonly log: (text: string) => void;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

export class PatroniCluster implements AgentHost {
  readonly scope: string;
  readonly agents: readonly MemberAgent[];
  readonly #options: ClusterOptions;
  #config: DynamicConfig;
  #lock: LeaderLock;
  #lastLeader: string;
  #leaderLsn = 0n;
  #syncStandby: string | null = null;
  #history: readonly HistoryEntry[] = [];
  #stopped = false;
  #changing = false;

  constructor(options: ClusterOptions) {
    const first = options.servers[0];
    if (first === undefined) throw new Error('a cluster needs a member');
    this.scope = options.scope;
    this.#options = options;
    this.#config = options.config;
    this.#lastLeader = first.name;
    this.#lock = { holder: first.name, changedAt: this.now() };
    this.agents = options.servers.map((server) => new MemberAgent(server, this));
  }

  get config(): DynamicConfig {
    return this.#config;
  }

  get history(): readonly HistoryEntry[] {
    return this.#history;
  }

  get syncStandby(): string | null {
    return this.#syncStandby;
  }

  get leader(): MemberAgent | null {
    const holder = currentHolder(this.#lock, this.now(), this.#ttlMs);
    return this.agents.find((agent) => agent.name === holder) ?? null;
  }

  /** Members whose entry has not run out. */
  get members(): readonly MemberAgent[] {
    return this.agents.filter((agent) => agent.present || this.now() - agent.seenAt < this.#ttlMs);
  }

  get statusTimeoutMs(): number {
    return Math.max(500, this.#config.retry_timeout * 1000);
  }

  get #ttlMs(): number {
    return this.#config.ttl * 1000;
  }

  now(): number {
    return performance.now();
  }

  log(text: string): void {
    this.#options.log(text);
  }

  member(name: string): PostgresMember {
    return this.agent(name).server;
  }

  agent(name: string): MemberAgent {
    const agent = this.agents.find((candidate) => candidate.name === name);
    if (agent === undefined) throw new Error(`no member ${name}`);
    return agent;
  }

  /** Starts the loops. They run until `stop`. */
  start(): void {
    for (const agent of this.agents) void this.#loop(agent);
  }

  async #loop(agent: MemberAgent): Promise<void> {
    while (!this.#stopped) {
      await agent.runCycle();
      await sleep(this.#config.loop_wait * 1000);
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  decideFor(agent: MemberAgent): Action {
    return decide(this.#situation(agent));
  }

  #situation(agent: MemberAgent): Situation {
    return {
      now: this.now(),
      ttlMs: this.#ttlMs,
      paused: this.#config.pause === true || this.#changing,
      maximumLagBytes: BigInt(this.#config.maximum_lag_on_failover),
      lock: this.#lock,
      lastLeader: this.#lastLeader,
      leaderLsn: this.#leaderLsn,
      onlyCandidate: this.#config.synchronous_mode ? { name: this.#syncStandby } : null,
      self: agent.view,
      peers: this.agents.filter((other) => other !== agent).map((other) => other.view),
    };
  }

  async holdLock(agent: MemberAgent): Promise<void> {
    this.#lock = { holder: agent.name, changedAt: this.now() };
    if (agent.status?.inRecovery !== false) return;
    this.#lastLeader = agent.name;
    this.#leaderLsn = agent.status.lsn;
    await this.#options.onLeader(agent.server.port);
    await this.#tendSynchronousStandby(agent);
  }

  releaseLock(agent: MemberAgent, because: string): void {
    this.log(`${agent.name} releases the leader lock: ${because}`);
    this.#lock = { holder: null, changedAt: this.now() };
    // The others watch the key and act when it goes, they do not sleep out their loop.
    for (const other of this.agents) if (other !== agent) void other.runCycle();
  }

  async promoted(agent: MemberAgent): Promise<void> {
    const timeline = agent.status?.timeline ?? 0;
    const ended = (await readTimelineHistory(agent.server.dataDirectory, timeline)).at(-1);
    if (ended !== undefined) {
      const entry: HistoryEntry = [ended.timeline, Number(ended.lsn), ended.reason, new Date().toISOString(), agent.name];
      this.#history = [...this.#history, entry];
    }
    this.#syncStandby = null;
    await this.holdLock(agent);
  }

  /** Names the standby that commits wait for, and takes it out again when it is gone, so that the leader can go on alone. */
  async #tendSynchronousStandby(leader: MemberAgent): Promise<void> {
    const streaming = leader.status?.replicas.find((replica) => replica.state === 'streaming');
    const wanted = this.#config.synchronous_mode ? (streaming?.applicationName ?? null) : null;
    if (wanted === this.#syncStandby) return;
    if (wanted === null) {
      // The promise is withdrawn before commits stop waiting for it.
      this.#syncStandby = null;
      await leader.server.setSynchronousStandby(null);
    } else if (streaming?.syncState === 'sync') {
      this.#syncStandby = wanted;
    } else {
      await leader.server.setSynchronousStandby(wanted);
    }
  }

  patchConfig(patch: unknown): { readonly problem: string } | DynamicConfig {
    const patched = patchConfig(this.#config, patch);
    if ('problem' in patched) return { problem: String(patched.problem) };
    this.#config = patched;
    return patched;
  }

  /** Patroni alone is killed; null: that of the leader. Gives the member's name. */
  killAgent(name: string | null): string {
    const agent = name === null ? this.leader : this.agent(name);
    if (agent === null) throw new Error('the cluster has no leader');
    agent.die();
    this.log(`Patroni of ${agent.name} is killed, its server goes on`);
    return agent.name;
  }

  async podStarted(name: string): Promise<void> {
    const agent = this.agent(name);
    agent.appear();
    await agent.runFreshCycle();
  }

  /** A killed leader keeps its lock until the ttl runs out; one that is stopped in good order hands it over at once. */
  async podStopped(name: string, options: { readonly killed: boolean }): Promise<void> {
    const agent = this.agent(name);
    if (options.killed) {
      await agent.vanish();
      return;
    }
    const led = this.leader === agent;
    await agent.leave();
    if (led) this.releaseLock(agent, 'its pod was stopped');
  }

  /** Why a change of the leader is refused, in Patroni's words, or the member that will lead. */
  #chooseCandidate(action: 'switchover' | 'failover', candidate: string | null): MemberAgent | string {
    const leader = this.leader;
    const others = this.members.filter((agent) => agent !== leader);
    if (candidate !== null && !others.some((agent) => agent.name === candidate)) return 'candidate does not exist';
    if (others.length === 0) return `${action} is not possible: cluster does not have members except leader`;
    const synchronous = this.#config.synchronous_mode && action === 'switchover';
    if (synchronous && this.#syncStandby === null) return `${action} is not possible: can not find sync_standby`;
    if (synchronous && candidate !== null && candidate !== this.#syncStandby) {
      return 'candidate name does not match with sync_standby';
    }
    const wanted = candidate ?? (synchronous ? this.#syncStandby : null);
    const limits = {
      onlyCandidate: null,
      leaderLsn: action === 'failover' ? 0n : (leader?.status?.lsn ?? this.#leaderLsn),
      maximumLagBytes: BigInt(this.#config.maximum_lag_on_failover),
    };
    const good = others.find(
      (agent) =>
        (wanted === null || agent.name === wanted) &&
        agent.view.role === 'standby' &&
        (action === 'failover' || agent.status?.streaming === true) &&
        whyNotPromotable(limits, agent.view) === null,
    );
    return good ?? `${action} is not possible: no good candidates have been found`;
  }

  async switchover(leader: string, candidate: string | null): Promise<Answer> {
    if (this.leader?.name !== leader) return { status: 412, text: 'leader name does not match' };
    return await this.#changeLeader('switchover', candidate);
  }

  async failover(candidate: string): Promise<Answer> {
    return await this.#changeLeader('failover', candidate);
  }

  async #changeLeader(action: 'switchover' | 'failover', candidate: string | null): Promise<Answer> {
    const label = action === 'switchover' ? 'Switchover' : 'Failover';
    if (this.#changing) return { status: 503, text: `${label} is already in progress` };
    this.#changing = true;
    try {
      const old = this.leader;
      await Promise.all(this.agents.map((agent) => agent.refresh()));
      const next = this.#chooseCandidate(action, candidate);
      if (typeof next === 'string') return { status: 412, text: next };
      return await this.#exclusively([next, ...(old === null ? [] : [old])], async () => {
        const obstacle = old === null ? null : await this.#demote(old, next);
        if (old !== null && obstacle !== null && action === 'switchover') {
          await old.startPrimary();
          this.log(`${label} to ${next.name} given up: ${obstacle}`);
          return { status: 503, text: `${label} failed` };
        }
        await next.promote();
        return { status: 200, text: `Successfully ${action === 'switchover' ? 'switched' : 'failed'} over to "${next.name}"` };
      });
    } catch (error) {
      this.log(`${label} failed: ${messageOf(error)}`);
      return { status: 503, text: `${label} failed` };
    } finally {
      this.#changing = false;
      for (const agent of this.agents) void agent.runCycle();
    }
  }

  /**
   * Shuts the leader down so that all of its WAL reaches `next`. When it did not (the standby was cut off in that moment),
   * a switchover starts the old leader again: nothing that was acknowledged may be lost by a planned change.
   */
  async #demote(old: MemberAgent, next: MemberAgent): Promise<string | null> {
    this.log(`${old.name} steps down for ${next.name}`);
    if (this.#config.synchronous_mode && old.server.pid !== null) await old.server.setSynchronousStandby(null);
    await old.server.stop('fast');
    await this.#options.onLeader(null);
    const control = await readControlFile(old.server.dataDirectory);
    try {
      if (!control.cleanShutdown) throw new Error(`${old.name} did not shut down cleanly`);
      await awaitCondition(
        `${next.name} to receive WAL up to ${formatLsn(control.checkpointLsn)}`,
        async () => {
          await next.refresh();
          return (next.status?.lsn ?? 0n) > control.checkpointLsn ? true : undefined;
        },
        { timeoutMs: WAITS.standbyCaughtUp },
      );
      return null;
    } catch (error) {
      return messageOf(error);
    }
  }

  async #exclusively<T>(agents: readonly MemberAgent[], work: () => Promise<T>): Promise<T> {
    const [first, ...rest] = agents;
    return first === undefined ? await work() : await first.exclusively(() => this.#exclusively(rest, work));
  }

  async reinitialize(name: string): Promise<Answer> {
    const agent = this.agent(name);
    const leader = this.leader;
    if (leader === agent) return { status: 503, text: 'I am the leader, can not reinitialize' };
    if (leader === null) return { status: 503, text: 'Cluster has no leader, can not reinitialize' };
    if (agent.activity === 'creating replica') return { status: 503, text: 'reinitialize already in progress' };
    void agent
      .exclusively(() => agent.follow(leader.name, { clone: true }))
      .catch((error: unknown) => this.log(`reinitialize of ${name} failed: ${messageOf(error)}`));
    return { status: 200, text: 'reinitialize started' };
  }

  async restart(name: string): Promise<Answer> {
    const agent = this.agent(name);
    const leader = this.leader;
    try {
      await agent.exclusively(async () => {
        if (leader === agent) {
          await agent.server.stop('fast');
          await agent.startPrimary();
        } else if (leader !== null) {
          await agent.follow(leader.name, { clone: false });
        } else {
          throw new Error('the cluster has no leader');
        }
      });
      return { status: 200, text: 'restarted successfully' };
    } catch (error) {
      this.log(`restart of ${name} failed: ${messageOf(error)}`);
      return { status: 503, text: 'restart failed' };
    }
  }
}
