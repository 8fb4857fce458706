/** The doors to the world as the rest of the engine sees them. Implementations live beside this file, fakes in `test/fakes`. */

export interface Waiting {
  readonly signal?: AbortSignal;
}

export interface PodView {
  readonly name: string;
  readonly uid: string;
  readonly phase: string;
  readonly ready: boolean;
  readonly restarts: number;
  readonly deleting: boolean;
  readonly createdServerAt: number;
  readonly readyServerAt: number | null;
  readonly labels: Readonly<Record<string, string>>;
  /** Controller of the pod (`ReplicaSet`, `StatefulSet`), when it has one. */
  readonly owner?: { readonly kind: string; readonly name: string };
}

export interface HpaView {
  readonly name: string;
  readonly currentReplicas: number;
  readonly desiredReplicas: number;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly metric: string;
  readonly currentValue: number | null;
  readonly targetValue: number | null;
  readonly conditions: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly message: string;
  }[];
  /** `spec.behavior` as the API gave it. */
  readonly behavior: Readonly<Record<string, unknown>>;
}

export interface DeploymentView {
  readonly name: string;
  readonly replicas: number;
  readonly readyReplicas: number;
  readonly updatedReplicas: number;
  readonly selector: string;
}

export interface EventView {
  readonly reason: string;
  readonly object: string;
  readonly message: string;
  readonly count: number;
  readonly serverAt: number;
}

export interface AccessQuestion {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
}

/** One namespace of one context. Every method throws `HarnessError('ERR_KUBERNETES')` with the API's own words. */
export interface KubernetesPort {
  readonly context: string;
  readonly namespace: string;
  /** Host of the API server, for the guard. */
  readonly host: string;
  fetchVersion(): Promise<string>;
  fetchPods(selector: string): Promise<readonly PodView[]>;
  fetchDeployment(name: string): Promise<DeploymentView>;
  fetchHpa(name: string): Promise<HpaView>;
  fetchEvents(): Promise<readonly EventView[]>;
  fetchNodeMetrics(): Promise<readonly { readonly name: string; readonly cpuCores: number; readonly memoryBytes: number }[]>;
  fetchPodMetrics(selector: string): Promise<readonly { readonly name: string; readonly cpuCores: number }[]>;
  /** Deletes only when the UID still matches (precondition). */
  deletePod(
    name: string,
    options: { readonly uid: string; readonly graceSeconds: number; readonly dryRun?: boolean },
  ): Promise<void>;
  allowed(question: AccessQuestion): Promise<boolean>;
  /** Offset of the API server's clock (its Date header) to ours, ms; resolution 1 s. */
  fetchClockOffsetMs(): Promise<number>;
}

/** Kind of an object by its place in the API: `{group: 'batch', version: 'v1', plural: 'jobs'}`; group '' is the core group. */
export interface ApiResource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
}

/** An object as the API gives it: nothing beyond `metadata` is checked, so readers narrow what they use. */
export interface ApiObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: {
    readonly name?: string;
    readonly generateName?: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly finalizers?: readonly string[];
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string; readonly uid: string }[];
  };
  readonly [field: string]: unknown;
}

/** Objects of any kind in one namespace. Every method throws `HarnessError('ERR_KUBERNETES')` with the API's own words. */
export interface CustomObjectsPort {
  readonly namespace: string;
  /** Null when there is no object of that name; throws when the cluster does not serve the kind at all (CRD not installed). */
  fetch(resource: ApiResource, name: string): Promise<ApiObject | null>;
  list(
    resource: ApiResource,
    options?: { readonly labelSelector?: string; readonly fieldSelector?: string },
  ): Promise<readonly ApiObject[]>;
  create(resource: ApiResource, object: ApiObject): Promise<ApiObject>;
  /** JSON merge patch: `null` takes a field away, a list is replaced as a whole. */
  patch(resource: ApiResource, name: string, change: Readonly<Record<string, unknown>>): Promise<ApiObject>;
  /** False when it was not there. True says the deletion is accepted, not that finalizers are done. */
  remove(
    resource: ApiResource,
    name: string,
    options?: { readonly uid?: string; readonly graceSeconds?: number },
  ): Promise<boolean>;
  fetchPodLog(pod: string, options?: { readonly container?: string; readonly tailLines?: number }): Promise<string>;
}

export interface PatroniMember {
  readonly name: string;
  readonly role: 'primary' | 'replica' | 'sync_standby' | 'standby_leader' | 'unknown';
  readonly state: string;
  readonly host: string;
  readonly port: number;
  readonly apiUrl: string | null;
  readonly timeline: number;
  readonly lagBytes: number | null;
}

export interface PatroniCluster {
  readonly scope: string;
  readonly paused: boolean;
  readonly members: readonly PatroniMember[];
}

export interface PatroniConfig {
  readonly ttlSeconds: number;
  readonly loopWaitSeconds: number;
  readonly retryTimeoutSeconds: number;
  readonly synchronousMode: boolean;
  readonly version: string;
}

/** Tries each given URL in turn; a dead member does not hide the cluster. */
export interface PatroniPort {
  readonly urls: readonly string[];
  fetchCluster(options?: Waiting): Promise<PatroniCluster>;
  fetchConfig(options?: Waiting): Promise<PatroniConfig>;
  fetchHistory(
    options?: Waiting,
  ): Promise<readonly { readonly timeline: number; readonly reason: string; readonly serverAt: string }[]>;
  switchover(leader: string, candidate: string | null): Promise<string>;
  failover(candidate: string): Promise<string>;
  reinitialize(member: PatroniMember): Promise<string>;
}

export interface PostgresStatus {
  readonly inRecovery: boolean;
  readonly timeline: number | null;
  readonly connections: number;
  readonly active: number;
  readonly waitingOnLocks: number;
  readonly longestTransactionMs: number;
  readonly replicas: readonly {
    readonly name: string;
    readonly state: string;
    readonly syncState: string;
    readonly replayLagBytes: number;
  }[];
}

export interface PostgresPort {
  /** `host:port/database`, without secrets. */
  readonly label: string;
  readonly host: string;
  fetchVersion(): Promise<string>;
  fetchStatus(options?: Waiting): Promise<PostgresStatus>;
  /** Creates and drops a temporary table: shows that this member takes writes. */
  isWritable(options?: Waiting): Promise<boolean>;
  fetchClockOffsetMs(): Promise<number>;
  close(): Promise<void>;
}

/** INFO as one flat record of strings, plus typed commands the faults and observers need. */
export interface RedisPort {
  readonly label: string;
  readonly host: string;
  info(): Promise<Readonly<Record<string, string>>>;
  configGet(name: string): Promise<string | null>;
  command(
    name: string,
    args: readonly (string | number | Buffer)[],
    options?: Waiting & { readonly timeoutMs?: number },
  ): Promise<unknown>;
  /** Sends many commands in one pipeline; each answer is a value or an Error. */
  pipeline(commands: readonly (readonly [string, ...(string | number | Buffer)[]])[]): Promise<readonly unknown[]>;
  /** Another connection to the same server. Rejects when the server refuses it. */
  connect(options?: Waiting): Promise<RedisPort>;
  close(): Promise<void>;
}

/** Runs programs (no shell). Arguments never carry secrets. */
export interface CommandPort {
  run(
    argv: readonly string[],
    options: { readonly timeoutMs: number; readonly env?: Readonly<Record<string, string>>; readonly signal?: AbortSignal },
  ): Promise<{ readonly exitCode: number; readonly output: string }>;
}

export interface Clock {
  /** UTC epoch ms. */
  now(): number;
  /** Monotonic ms, for durations. */
  monotonic(): number;
  sleep(ms: number, options?: Waiting): Promise<void>;
}

export type OdooValue = null | boolean | number | string | readonly OdooValue[] | { readonly [key: string]: OdooValue };

export interface OdooAnswer {
  readonly outcome: 'ok' | 'fail' | 'unknown';
  /** Present when ok. */
  readonly value?: OdooValue;
  /** Last line of the faultString, or the transport's error. */
  readonly message?: string;
  readonly faultCode?: number;
  readonly latencyMs: number;
  readonly sentAt: number;
  readonly answeredAt: number;
}

/** One database and user of one Odoo. `call` never throws for an answer of the server: it classifies. */
export interface OdooPort {
  readonly url: string;
  readonly database: string;
  version(): Promise<string>;
  /** Throws ERR_TARGET_UNREACHABLE, ERR_DATABASE_MISSING or ERR_AUTHENTICATION. */
  login(): Promise<number>;
  call(
    model: string,
    method: string,
    args: readonly OdooValue[],
    kwargs?: Readonly<Record<string, OdooValue>>,
    options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
  ): Promise<OdooAnswer>;
  /** As `call`, but throws HarnessError unless ok. */
  require(
    model: string,
    method: string,
    args: readonly OdooValue[],
    kwargs?: Readonly<Record<string, OdooValue>>,
    options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
  ): Promise<OdooValue>;
}
