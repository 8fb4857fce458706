/** The doors to the world as the rest of the engine sees them. Implementations live beside this file, fakes in `test/fakes`. */
import type { HpaMetric, PodResources, PodUse } from '../model/run-records.ts';

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
  /** As {@link PodObservation}; absent where nobody asked the API. */
  readonly scheduledServerAt?: number | null;
  readonly startedServerAt?: number | null;
  readonly waiting?: string;
  readonly node?: string;
  readonly requests?: PodResources;
  readonly limits?: PodResources;
  readonly labels: Readonly<Record<string, string>>;
  /** Absent: none yet. */
  readonly ip?: string;
  /** Controller of the pod (`ReplicaSet`, `StatefulSet`), when it has one. */
  readonly owner?: { readonly kind: string; readonly name: string };
  /** The API's words beside `waiting`. */
  readonly waitingMessage?: string;
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
  readonly metrics?: readonly HpaMetric[];
  readonly lastScaleServerAt?: number | null;
  /** KEDA's ScaledObject, when it made this autoscaler. */
  readonly scaler?: { readonly kind: string; readonly name: string };
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
  /** In every namespace, not only that of the port. */
  readonly everyNamespace?: true;
  /** Only the object of this name. */
  readonly name?: string;
}

export interface NodeView {
  readonly name: string;
  readonly uid: string;
  readonly ready: boolean;
  /** Cordoned. */
  readonly unschedulable: boolean;
  /** Taints that keep ordinary pods away (NoSchedule, NoExecute), as `key=value:effect`; those of a cordon left out. */
  readonly taints: readonly string[];
  readonly allocatable: { readonly cpuCores: number; readonly memoryBytes: number; readonly pods: number };
  readonly annotations: Readonly<Record<string, string>>;
}

/** A pod on a node, of any namespace. */
export interface NodePodView extends PodView {
  readonly namespace: string;
  /** Static pod of the node itself; the API cannot evict it. */
  readonly mirror: boolean;
  readonly emptyDirs: readonly string[];
}

export interface DisruptionBudgetView {
  readonly name: string;
  /** Label selector in text form; empty: every pod of the namespace. */
  readonly selector: string;
  readonly disruptionsAllowed: number;
  readonly currentHealthy: number;
  readonly desiredHealthy: number;
  readonly expectedPods: number;
}

export type Eviction =
  | { readonly outcome: 'accepted' }
  /** Another pod by now, or none. */
  | { readonly outcome: 'gone' }
  /** 429: a disruption budget (named when the API names it), or an API server that is too busy. */
  | { readonly outcome: 'refused'; readonly budget: string | null; readonly message: string };

/** Nodes, and what may be taken away from them. Nodes are cluster-scoped; budgets are those of the port's namespace. */
export interface KubernetesNodes {
  fetchNodes(): Promise<readonly NodeView[]>;
  fetchPodsOn(node: string, options: { readonly everyNamespace: boolean }): Promise<readonly NodePodView[]>;
  fetchDisruptionBudgets(): Promise<readonly DisruptionBudgetView[]>;
  /** Sets `spec.unschedulable` and one annotation (null removes it) in one patch. */
  setUnschedulable(
    node: string,
    unschedulable: boolean,
    annotation: { readonly name: string; readonly value: string | null },
  ): Promise<void>;
  /** `graceSeconds` null: the pod's own. */
  evict(
    pod: { readonly namespace: string; readonly name: string },
    options: { readonly uid: string; readonly graceSeconds: number | null },
  ): Promise<Eviction>;
}

export interface RolloutView {
  readonly name: string;
  readonly uid: string;
  /** `deployment.kubernetes.io/revision`; null before the controller has seen it. */
  readonly revision: number | null;
  readonly paused: boolean;
  readonly strategy: string;
  /** Pods that the strategy lets go missing, of `replicas`. */
  readonly maxUnavailable: number;
  readonly revisionHistoryLimit: number;
  /** Wanted now. */
  readonly replicas: number;
  /** The controller has seen the newest spec: the counts below are about it. */
  readonly observed: boolean;
  readonly existing: number;
  readonly updated: number;
  readonly ready: number;
  readonly available: number;
  readonly progressing: { readonly status: string; readonly reason: string; readonly message: string } | null;
  readonly containers: readonly {
    readonly name: string;
    readonly image: string;
    /** Of the HTTP readiness check, else the first port of the container. */
    readonly port: number | string | null;
  }[];
}

export interface ReplicaSetView {
  readonly name: string;
  readonly uid: string;
  readonly revision: number | null;
  readonly replicas: number;
  readonly images: readonly string[];
  /** Annotations of the pod template. */
  readonly annotations: Readonly<Record<string, string>>;
}

export type TemplateChange = { readonly annotations: Readonly<Record<string, string>> } & (
  | { readonly kind: 'restart' }
  | { readonly kind: 'image'; readonly container: string; readonly image: string }
  | { readonly kind: 'readiness-path'; readonly container: string; readonly path: string; readonly port: number | string }
);

/** Deployments as they roll from one pod template to another. */
export interface KubernetesRollouts {
  fetchRollout(deployment: string): Promise<RolloutView>;
  /** Revisions that the Deployment still has, newest first. */
  fetchReplicaSets(deployment: string): Promise<readonly ReplicaSetView[]>;
  changeTemplate(deployment: string, change: TemplateChange): Promise<void>;
  /** `kubectl rollout undo`: makes the template of a ReplicaSet the Deployment's again. */
  rollTo(deployment: string, replicaSet: { readonly uid: string }): Promise<void>;
}

/** One namespace of one context. Every method throws `HarnessError('ERR_KUBERNETES')` with the API's own words. */
export interface KubernetesPort {
  readonly context: string;
  readonly namespace: string;
  /** Host of the API server, for the guard. */
  readonly host: string;
  readonly nodes: KubernetesNodes;
  readonly rollouts: KubernetesRollouts;
  fetchVersion(): Promise<string>;
  fetchPods(selector: string): Promise<readonly PodView[]>;
  fetchDeployment(name: string): Promise<DeploymentView>;
  /** By its name, or by that of the KEDA ScaledObject that made it (`keda-hpa-NAME`). */
  fetchHpa(name: string): Promise<HpaView>;
  fetchEvents(): Promise<readonly EventView[]>;
  fetchNodeMetrics(): Promise<readonly { readonly name: string; readonly cpuCores: number; readonly memoryBytes: number }[]>;
  fetchPodMetrics(selector: string): Promise<readonly PodUse[]>;
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
  /** JSON merge patch: `null` takes a field away, a list is replaced as a whole. `subresource`: `status`, which has its own permission. */
  patch(
    resource: ApiResource,
    name: string,
    change: Readonly<Record<string, unknown>>,
    options?: { readonly subresource?: string },
  ): Promise<ApiObject>;
  /** False when it was not there. True says the deletion is accepted, not that finalizers are done. */
  remove(
    resource: ApiResource,
    name: string,
    options?: { readonly uid?: string; readonly graceSeconds?: number },
  ): Promise<boolean>;
  fetchPodLog(pod: string, options?: { readonly container?: string; readonly tailLines?: number }): Promise<string>;
}

/** Programs inside the containers of one namespace's pods (`pods/exec`). */
export interface PodExecPort {
  readonly namespace: string;
  /**
   * Runs a program (no shell unless it is one) and waits for its end. Throws ERR_KUBERNETES when it could not be started or its
   * end is not known, ERR_TIMEOUT when it lasts too long; it may go on running in the pod then.
   */
  run(
    pod: string,
    argv: readonly string[],
    options: { readonly timeoutMs: number; readonly container?: string; readonly signal?: AbortSignal },
  ): Promise<{ readonly exitCode: number; readonly output: string; readonly errors: string }>;
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
  /** How long a primary that crashed is given to start again before another takes over; 0: none. Absent: not told. */
  readonly primaryStartTimeoutSeconds?: number;
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
  /** When the server was started, of its own clock; absent: not told. */
  readonly startedServerAt?: number;
  readonly replicas: readonly {
    readonly name: string;
    readonly state: string;
    readonly syncState: string;
    readonly replayLagBytes: number;
  }[];
}

export interface MarkAnswer {
  /** `refused`: certainly not written. `unknown`: no answer in time, it may be there. */
  readonly outcome: 'accepted' | 'refused' | 'unknown';
  /** The server's words when it was not accepted. */
  readonly detail: string;
}

/** Rows of our own in the table `peakproof_marks`: they show which member keeps a write. */
export interface PostgresMarks {
  /** Why this user cannot make the table; null: it can. Changes nothing. */
  fetchObstacle(): Promise<string | null>;
  create(): Promise<void>;
  /** One row, committed, through a new connection. Never throws for an answer of the server. */
  write(key: string, options?: Waiting): Promise<MarkAnswer>;
  /** Keys that begin with `prefix`, sorted; none when there is no table. */
  readKeys(prefix: string, options?: Waiting): Promise<readonly string[]>;
  /** Takes the table away, if it is there. */
  drop(): Promise<void>;
}

export interface PostgresPort {
  /** `host:port/database`, without secrets. */
  readonly label: string;
  readonly host: string;
  fetchVersion(): Promise<string>;
  fetchStatus(options?: Waiting): Promise<PostgresStatus>;
  /** Creates and drops a temporary table: shows that this member takes writes. */
  isWritable(options?: Waiting): Promise<boolean>;
  readonly marks: PostgresMarks;
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

/** A replica as a Sentinel sees it. Flags are Sentinel's words: `s_down`, `o_down`, `disconnected` ... */
export interface SentinelReplica {
  /** Announced `host:port`. */
  readonly address: string;
  readonly flags: readonly string[];
  readonly linkUp: boolean;
  /** 0: never promoted. */
  readonly priority: number;
  /** Of the server's process; empty before Sentinel has asked it. */
  readonly runId: string;
}

/** A master and its replicas, by the Sentinel that has the newest configuration. */
export interface SentinelGroup {
  readonly name: string;
  /** Announced `host:port`, as clients are told (`get-master-addr-by-name`). */
  readonly master: string;
  readonly flags: readonly string[];
  /** Of the master's process, as in {@link SentinelReplica}. */
  readonly runId: string;
  readonly configEpoch: number;
  readonly quorum: number;
  readonly downAfterMs: number;
  readonly failoverTimeoutMs: number;
  readonly replicas: readonly SentinelReplica[];
  /** Sentinels that watch this master, as this one knows; and those of the plan that answered. */
  readonly sentinels: number;
  readonly answered: number;
}

/** One master's Sentinels. All are asked; a dead one hides nothing and delays little. Methods throw `HarnessError('ERR_REDIS')`. */
export interface SentinelPort {
  /** Name of the master, as the Sentinels know it. */
  readonly group: string;
  readonly label: string;
  fetchGroup(options?: Waiting): Promise<SentinelGroup>;
  /** CKQUORUM of every Sentinel that answers; held when most of them say so. */
  checkQuorum(options?: Waiting): Promise<{ readonly held: boolean; readonly detail: string }>;
  /** `SENTINEL FAILOVER`: answers when it has begun. */
  failover(): Promise<string>;
  /** The server at this announced address, asked directly; one connection each, closed by `close`. */
  server(address: string): RedisPort;
  close(): Promise<void>;
}

export interface SessionAnswer {
  readonly outcome: 'ok' | 'fail' | 'unknown';
  readonly message?: string;
  readonly latencyMs: number;
  readonly sentAt: number;
  readonly answeredAt: number;
}

export interface SessionWriter {
  /** SET with an expiry. Never throws: it classifies. */
  write(key: string, value: string, options: { readonly ttlSeconds: number; readonly timeoutMs: number }): Promise<SessionAnswer>;
  close(): Promise<void>;
}

/** Writes sessions as an application does: through Sentinel where there is one, with its client's own reconnects and retries. */
export interface SessionStorePort {
  readonly label: string;
  openWriter(options?: { readonly failoverDetector?: boolean }): SessionWriter;
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
