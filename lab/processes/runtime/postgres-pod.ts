/** A PostgreSQL member behind a pod: the pod is Patroni's agent and its server, they live and die together. */
import type { MemberAgent } from '../patroni/agent.ts';
import type { PatroniCluster } from '../patroni/cluster.ts';
import type { PodIdentity, PodStatus } from '../pod-runtime.ts';
import { childrenOf, cpuSecondsOf, memoryBytesOf } from '../process-identity.ts';

const WATCH_EVERY_MS = 500;
/** What a container with Patroni in it takes to be scheduled and started on a quiet cluster; a process takes nothing. */
export const REPLACEMENT_START_MS = 2_000;

export interface PostgresPodHost {
  readonly cluster: PatroniCluster;
  /** Cuts the REST connections of a killed agent. */
  dropRestConnections(member: string): void;
  onChange(uid: string): void;
}

export class PostgresPod {
  readonly identity: PodIdentity;
  readonly #host: PostgresPodHost;
  readonly #agent: MemberAgent;
  #state: PodStatus['state'] = 'starting';
  #busySeconds = 0;
  #killed = false;
  readonly #watch: NodeJS.Timeout;
  readonly #start: NodeJS.Timeout;
  #lastSeen = '';

  constructor(identity: PodIdentity, host: PostgresPodHost) {
    this.identity = identity;
    this.#host = host;
    this.#agent = host.cluster.agent(identity.name);
    this.#watch = setInterval(() => this.#look(), WATCH_EVERY_MS);
    const replaces = this.#agent.server.lastRole !== null;
    this.#start = setTimeout(() => void this.#startAgent(), replaces ? REPLACEMENT_START_MS : 0);
  }

  async #startAgent(): Promise<void> {
    await this.#host.cluster.podStarted(this.identity.name);
    this.#look();
  }

  get status(): PodStatus {
    const pid = this.#state === 'exited' ? null : this.#agent.server.pid;
    return {
      pid,
      state: this.#state,
      ready: this.#state === 'running' && this.#isReady(),
      port: this.#agent.server.port,
      busySeconds: this.#busySeconds,
      memoryBytes: pid === null ? 0 : memoryBytesOf(pid),
      exitCode: this.#state === 'exited' && !this.#killed ? 0 : null,
      exitSignal: this.#state === 'exited' && this.#killed ? 'SIGKILL' : null,
    };
  }

  async stop(graceSeconds: number): Promise<void> {
    if (this.#state === 'exited') return;
    clearTimeout(this.#start);
    this.#state = 'terminating';
    this.#killed = graceSeconds === 0;
    this.#host.onChange(this.identity.uid);
    const gone = this.#host.cluster.podStopped(this.identity.name, { killed: this.#killed });
    this.#host.dropRestConnections(this.identity.name);
    await gone;
    clearInterval(this.#watch);
    this.#state = 'exited';
    this.#host.onChange(this.identity.uid);
  }

  #isReady(): boolean {
    const { role } = this.#agent.view;
    if (role === 'primary') return this.#host.cluster.leader === this.#agent;
    return role === 'standby' && this.#agent.status?.streaming === true;
  }

  #look(): void {
    const pid = this.#agent.server.pid;
    if (this.#state === 'starting' && pid !== null) this.#state = 'running';
    if (pid !== null) this.#busySeconds = Math.max(this.#busySeconds, totalCpuSeconds(pid));
    const { state, ready } = this.status;
    const seen = `${state} ${ready} ${pid}`;
    if (seen === this.#lastSeen) return;
    this.#lastSeen = seen;
    this.#host.onChange(this.identity.uid);
  }
}

function totalCpuSeconds(postmaster: number): number {
  return [postmaster, ...childrenOf(postmaster)].reduce((sum, pid) => sum + (cpuSecondsOf(pid) ?? 0), 0);
}
