/** One member's agent: it lives as long as its pod does, watches its server, and does what `decide` says. */
import { messageOf } from '../lab-error.ts';
import type { PostgresMember } from '../postgres/member.ts';
import type { MemberStatus } from '../postgres/member-status.ts';
import type { Action, MemberView } from './decide.ts';

/** What a member's entry in `/cluster` says it is doing. */
export type AgentActivity = 'running' | 'starting' | 'stopping' | 'stopped' | 'creating replica' | 'crashed' | 'start failed';

export interface AgentHost {
  /** Decides for this agent, with everything the cluster knows. */
  decideFor(agent: MemberAgent): Action;
  holdLock(agent: MemberAgent): Promise<void>;
  releaseLock(agent: MemberAgent, because: string): void;
  member(name: string): PostgresMember;
  promoted(agent: MemberAgent): Promise<void>;
  log(text: string): void;
  readonly statusTimeoutMs: number;
  now(): number;
}

export class MemberAgent {
  readonly server: PostgresMember;
  readonly #host: AgentHost;
  #present = false;
  #status: MemberStatus | null = null;
  #seenAt: number;
  #following: string | null = null;
  #activity: AgentActivity = 'stopped';
  #cycle: Promise<void> | null = null;
  #suspended = 0;

  constructor(server: PostgresMember, host: AgentHost) {
    this.server = server;
    this.#host = host;
    this.#seenAt = host.now();
  }

  get name(): string {
    return this.server.name;
  }

  get present(): boolean {
    return this.#present;
  }

  /** When its entry was last renewed; an entry runs out with the ttl. */
  get seenAt(): number {
    return this.#seenAt;
  }

  get status(): MemberStatus | null {
    return this.server.pid === null ? null : this.#status;
  }

  get activity(): AgentActivity {
    if (this.server.pid === null && this.#activity === 'running') return 'crashed';
    return this.#activity;
  }

  get view(): MemberView {
    const status = this.status;
    return {
      name: this.name,
      present: this.#present,
      serverRunning: this.server.pid !== null,
      role: status === null ? null : status.inRecovery ? 'standby' : 'primary',
      lastRole: this.server.lastRole,
      lsn: status?.lsn ?? 0n,
      following: this.#following,
    };
  }

  appear(): void {
    this.#present = true;
    this.#seenAt = this.#host.now();
  }

  /** The pod is killed: the agent ends in the middle of whatever it did, its server with it. */
  async vanish(): Promise<void> {
    this.#present = false;
    await this.server.stop('kill');
    this.#status = null;
    this.#activity = 'crashed';
  }

  /** Only the agent ends: the server goes on, nobody renews the lock for it or answers for the member. */
  die(): void {
    this.#present = false;
  }

  /** The pod is stopped in good order. */
  async leave(): Promise<void> {
    this.#present = false;
    this.#activity = 'stopping';
    await this.server.stop('fast');
    this.#status = null;
    this.#activity = 'stopped';
  }

  /** Looks at the server; a server that does not answer has no status. */
  async refresh(): Promise<void> {
    if (this.server.pid === null) {
      this.#status = null;
      return;
    }
    try {
      const status = await this.server.fetchStatus({ timeoutMs: this.#host.statusTimeoutMs });
      this.#status = status;
      if (this.#activity === 'crashed') this.#activity = 'running';
    } catch (error) {
      this.#status = null;
      this.#host.log(`${this.name} does not answer: ${messageOf(error)}`);
    }
  }

  /** One turn of the loop. A turn that still lasts (a clone) is not started again; its promise is given instead. */
  runCycle(): Promise<void> {
    if (this.#suspended > 0) return Promise.resolve();
    this.#cycle ??= this.#turn().finally(() => {
      this.#cycle = null;
    });
    return this.#cycle;
  }

  /** A turn that begins now, after one that may already be under way. */
  async runFreshCycle(): Promise<void> {
    await this.#cycle;
    await this.runCycle();
  }

  /** Runs `work` while the loop of this agent stands still. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    this.#suspended++;
    try {
      await this.#cycle;
      return await work();
    } finally {
      this.#suspended--;
    }
  }

  async #turn(): Promise<void> {
    if (!this.#present) return;
    await this.refresh();
    if (!this.#present) return;
    this.#seenAt = this.#host.now();
    const action = this.#host.decideFor(this);
    try {
      await this.#perform(action);
    } catch (error) {
      this.#activity = this.server.pid === null ? 'start failed' : this.#activity;
      this.#host.log(`${this.name} could not ${action.kind}: ${messageOf(error)}`);
    }
  }

  async #perform(action: Action): Promise<void> {
    switch (action.kind) {
      case 'wait':
        return;
      case 'hold-lock':
        await this.#host.holdLock(this);
        return;
      case 'release-lock':
        this.#host.releaseLock(this, action.because);
        return;
      case 'promote':
        await this.promote();
        return;
      case 'start-primary':
        await this.startPrimary();
        return;
      case 'follow':
        await this.follow(action.leader, { clone: action.clone });
    }
  }

  async promote(): Promise<void> {
    await this.#host.holdLock(this);
    this.#host.log(`${this.name} is promoted`);
    await this.server.promote();
    this.#following = null;
    await this.refresh();
    await this.#host.promoted(this);
  }

  async startPrimary(): Promise<void> {
    this.#activity = 'starting';
    await this.server.start({ followPort: null });
    this.#following = null;
    this.#activity = 'running';
    await this.refresh();
    await this.#host.holdLock(this);
  }

  async follow(leader: string, options: { readonly clone: boolean }): Promise<void> {
    const primary = this.#host.member(leader);
    if (options.clone) {
      this.#host.log(`${this.name} is cloned from ${leader}`);
      this.#activity = 'creating replica';
      await this.server.stop('immediate');
      await this.server.cloneFrom(primary);
    } else {
      await this.server.stop('fast');
    }
    if (!this.#present) return;
    this.#activity = 'starting';
    await this.server.start({ followPort: primary.port });
    this.#following = leader;
    this.#activity = 'running';
    await this.refresh();
  }
}
