/**
 * The resolved plan: what a run works on once every default is filled in and every duration parsed.
 * The YAML that users write, its defaults and its checks are in `src/plan`. Durations are milliseconds here.
 */
export type BusinessService = 'order-capture' | 'pos' | 'financial-posting' | 'session-store';
export type LoadClass = 'user' | 'background' | 'integration' | 'reporting';
export type PhaseName = 'warm-up' | 'baseline' | 'disturbance' | 'recovery' | 'settle';
export type ScenarioName = 'flash-sale' | 'pos-sync-burst' | 'month-end-close';

/** A secret is never in a plan: only where to read it. */
export type SecretRef = { readonly env: string } | { readonly file: string };

export interface OdooTarget {
  readonly kind: 'odoo';
  readonly url: string;
  readonly database: string;
  readonly login: string;
  readonly password: SecretRef;
}

/** Where a lab on Kubernetes runs: in the cluster of a context, or, without one, on a node that the lab builds on this host. */
export interface LabPlace {
  readonly kind: 'kubernetes';
  readonly context?: string;
  /** Where that cluster pulls the lab's images from. */
  readonly registry?: string;
}

/** A lab that `run` starts for this plan, or finds running (`--lab`); it resolves to an {@link OdooTarget}. */
export interface LabTarget {
  readonly kind: 'lab';
  /** Absent: as processes of this machine. */
  readonly on?: LabPlace;
  readonly workers: { readonly min: number; readonly max: number };
  /** Nodes that its Kubernetes API shows, all of them the same machine; absent: one. A drain needs two. */
  readonly nodes?: number;
  readonly synchronousReplication: boolean;
  readonly redisMaxMemoryMiB: number;
  readonly redisPolicy: 'noeviction' | 'allkeys-lru' | 'volatile-lru';
  /** Switches of the lab, by name, that make it misbehave; `true` or a count. Only for tests of the judge. */
  readonly sabotage: Readonly<Record<string, number | true>>;
}

export interface KubernetesTarget {
  /** Absent: the usual kubeconfig rules (KUBECONFIG, ~/.kube/config, in-cluster). */
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace: string;
  readonly deployment: string;
  readonly hpa?: string;
  /** `--horizontal-pod-autoscaler-sync-period` of the cluster, which no API tells; absent: its default of 15 s is assumed. */
  readonly hpaSyncMs?: number;
  /** Nothing is asked that needs a permission outside the namespace: nodes are not watched, their free capacity is not checked. */
  readonly namespaceOnly?: boolean;
}

export type PostgresTarget =
  | {
      readonly driver: 'patroni';
      readonly patroniUrls: readonly string[];
      readonly connection?: PostgresConnection;
      /** `crash` and the modes that reach into a member, for members that are no pods of the Kubernetes section. */
      readonly commands?: PostgresCommands;
      /** Container of a member's pod in which Patroni and PostgreSQL run; absent: the pod's only one. */
      readonly container?: string;
    }
  | {
      readonly driver: 'cloudnative-pg';
      /** Name of the `Cluster` (`postgresql.cnpg.io/v1`) in the namespace of the Kubernetes section. */
      readonly cluster: string;
      readonly connection?: PostgresConnection;
    }
  | { readonly driver: 'command'; readonly connection: PostgresConnection; readonly commands: PostgresCommands };

/** `url` has no password in it; the password comes from {@link SecretRef}. */
export interface PostgresConnection {
  readonly url: string;
  readonly standbyUrls: readonly string[];
  readonly password?: SecretRef;
}

/** Programs with arguments (no shell) that act on the database where no API of ours does. */
export interface PostgresCommands {
  /** Stops Patroni alone, PostgreSQL goes on; `restartPatroni` undoes it. The member is named in PEAKPROOF_PRIMARY. */
  readonly killPatroni?: readonly string[];
  readonly restartPatroni?: readonly string[];
  /** Stops the WAL senders of the primary; `thawWalsenders` undoes it. */
  readonly freezeWalsenders?: readonly string[];
  readonly thawWalsenders?: readonly string[];
  readonly switchover?: readonly string[];
  readonly crash?: readonly string[];
  readonly failover?: readonly string[];
  readonly rejoin?: readonly string[];
}

export interface RedisTarget {
  /** `redis://host:port/db`, without a password. */
  readonly url: string;
  readonly username?: string;
  readonly password?: SecretRef;
  readonly sentinels?: RedisSentinels;
  readonly commands?: RedisCommands;
}

/** The Sentinels that watch one master and its replicas. */
export interface RedisSentinels {
  /** `redis://host:port` of each Sentinel, without a password. */
  readonly urls: readonly string[];
  /** Name under which they know the master. */
  readonly master: string;
  /** Of the Sentinels themselves; that of the servers is {@link RedisTarget.password}. */
  readonly username?: string;
  readonly password?: SecretRef;
  /** `host:port` as the Sentinels announce a server (or each other) -> `host:port` under which it is reached from here. */
  readonly addressMap?: Readonly<Record<string, string>>;
}

/** Programs with arguments (no shell), for Redis servers that are no pods of the Kubernetes section. */
export interface RedisCommands {
  /** Kills the master, whose announced `host:port` is in `PEAKPROOF_REDIS_MASTER`. */
  readonly crash?: readonly string[];
  /** Starts what `crash` killed again. Absent: somebody else does. */
  readonly rejoin?: readonly string[];
}

export interface GuardSpec {
  readonly contexts: readonly string[];
  readonly namespaces: readonly string[];
  /** Host names or addresses that load, SQL, Redis and Patroni calls may go to. */
  readonly hosts: readonly string[];
  readonly databases: readonly string[];
}

export interface DatasetSpec {
  readonly products: number;
  readonly categories: number;
  readonly customers: number;
  readonly stores: number;
  readonly tillsPerStore: number;
  /** Units of each storable product put on stock before the run. */
  readonly openingStock: number;
  /** Products of the promotion; carts of a flash sale fall on them by Zipf. */
  readonly hotProducts: number;
}

export interface RateStep {
  /** Iterations per second reached at the end of this step (linear from the one before; equal: plateau). */
  readonly ratePerSecond: number;
  readonly durationMs: number;
}

export interface FlashSaleSpec extends ScenarioSpecBase {
  readonly kind: 'flash-sale';
  readonly stages: readonly RateStep[];
  readonly zipfExponent: number;
  readonly maxLines: number;
  /** Share 0-1 of customers who cancel; share who retry after no answer within `patienceMs`. */
  readonly cancelRatio: number;
  readonly retryRatio: number;
  readonly patienceMs: number;
}

export interface PosSyncBurstSpec extends ScenarioSpecBase {
  readonly kind: 'pos-sync-burst';
  readonly stores: number;
  readonly tillsPerStore: number;
  readonly ticketsPerTill: number;
  readonly batchSize: number;
  /** Time in which the whole backlog should arrive; the arrival rate of batches follows from it. */
  readonly catchUpMs: number;
}

export interface MonthEndCloseSpec extends ScenarioSpecBase {
  readonly kind: 'month-end-close';
  readonly durationMs: number;
  readonly batchesPerMinute: number;
  readonly entriesPerBatch: number;
  readonly reportsPerMinute: number;
  readonly reversalRatio: number;
  /** Sets (and afterwards restores) the company's fiscal-year lock date of a closed month. */
  readonly lockDate: boolean;
  /** Billing runs; each invoices at most `ordersPerInvoiceRun` confirmed orders that loads of this run have placed. 0: none. */
  readonly invoiceRunsPerMinute: number;
  readonly ordersPerInvoiceRun: number;
  /** Iterations per second of the shop that goes on meanwhile; 0: none. */
  readonly shopRatePerSecond: number;
}

interface ScenarioSpecBase {
  /** Name of this load in tags, objectives and the report; unique in the plan. */
  readonly id: string;
  readonly loadClass: LoadClass;
  /** From the start of the run (start of warm-up). */
  readonly startAtMs: number;
  /** Time after which a client gives up a call; must exceed the recovery-time targets. */
  readonly timeoutMs: number;
  readonly maxVus: number;
}

export type ScenarioSpec = FlashSaleSpec | PosSyncBurstSpec | MonthEndCloseSpec;

export interface ProbeSpec {
  readonly service: BusinessService;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** An ok answer slower than this counts as a bad probe. */
  readonly slowMs: number;
  /** Of `session-store` through Sentinel: the client listens for `+switch-master`. Absent: it does not, as ioredis by default. */
  readonly failoverDetector?: boolean;
}

interface FaultSpecBase {
  readonly id: string;
  /** From the start of the phase `disturbance`. */
  readonly atMs: number;
  readonly proveWithinMs: number;
  readonly revertWithinMs: number;
}

export interface KillPodsSpec extends FaultSpecBase {
  readonly kind: 'kubernetes/kill-pods';
  /** Label selector, `app=odoo`. */
  readonly selector: string;
  readonly amount: { readonly count: number } | { readonly shareRatio: number };
  readonly force: boolean;
  readonly graceSeconds: number;
  /** Absent: once. */
  readonly repeat?: { readonly everyMs: number; readonly durationMs: number };
  /** Largest share 0-1 of the matching pods that may be down through this fault at once. */
  readonly maxAffectedRatio: number;
}

export interface PostgresFailoverSpec extends FaultSpecBase {
  readonly kind: 'postgres/failover';
  /**
   * `kill-patroni`: Patroni alone is stopped, PostgreSQL goes on. `frozen-walsender`: replication stands still, then the primary
   * crashes. `fence`: the primary's server is shut down by its operator and started again.
   */
  readonly mode: 'switchover' | 'crash' | 'failover' | 'kill-patroni' | 'frozen-walsender' | 'fence';
  /**
   * `frozen-walsender`: time between freeze and crash. `kill-patroni`: time for which the orphan is written to once another
   * member is the primary. `fence`: time for which the primary is fenced. Unused by the other modes.
   */
  readonly durationMs?: number;
}

export interface RedisFloodSpec extends FaultSpecBase {
  readonly kind: 'redis/flood';
  readonly mode: 'memory' | 'connections' | 'commands' | 'blocking' | 'flush-sessions';
  readonly durationMs: number;
  /** Upper bounds of what the fault may use. */
  readonly maxMemoryMiB: number;
  readonly maxConnections: number;
  readonly commandsPerSecond: number;
  readonly blockMs: number;
  readonly sessionPattern: string;
}

export interface SentinelFailoverSpec extends FaultSpecBase {
  readonly kind: 'redis/sentinel-failover';
  /** `planned`: SENTINEL FAILOVER. `safe-planned`: the same with writes paused meanwhile. `crash`: the master is killed. */
  readonly mode: 'planned' | 'safe-planned' | 'crash';
}

/** Cordons a node and evicts pods through the eviction API, as `kubectl drain` does; disruption budgets are respected. */
export interface DrainNodeSpec extends FaultSpecBase {
  readonly kind: 'kubernetes/drain-node';
  /** Absent: the node that runs most of the pods selected. */
  readonly node?: string;
  /** Absent: every pod of the namespace. DaemonSet, mirror and finished pods are always left. */
  readonly selector?: string;
  /** Pods of other namespaces on that node: refuse the fault, leave them where they are, or evict those in the guard's namespaces. */
  readonly otherPods: 'refuse' | 'leave' | 'evict';
  /** Allows the eviction of pods with `emptyDir` volumes, whose content is lost. */
  readonly deleteEmptyDirData: boolean;
  /** Absent: each pod's own grace period. */
  readonly graceSeconds?: number;
  /** How long an eviction that a disruption budget refuses is tried again. */
  readonly evictWithinMs: number;
  /** How long the node stays cordoned after the evictions. */
  readonly holdMs: number;
  /** Largest share 0-1 of the pods of one workload that may be on that node. */
  readonly maxAffectedRatio: number;
}

interface RolloutSpecBase extends FaultSpecBase {
  readonly deployment: string;
  /** A rollout that is not complete by then counts as stuck. */
  readonly withinMs: number;
  /** A new pod that is not Ready this long after it was created makes the rollout stuck. */
  readonly readyWithinMs: number;
  /** How long the new state stays before the fault ends. */
  readonly holdMs: number;
  /** Largest share 0-1 of the pods that the update strategy may take down at once. */
  readonly maxAffectedRatio: number;
}

/** A new revision of a Deployment while the load runs. */
export interface RollingUpdateSpec extends RolloutSpecBase {
  readonly kind: 'kubernetes/rolling-update';
  /** `image` needs {@link image}; `bad-image` names one that cannot exist. */
  readonly change: 'restart' | 'image' | 'bad-image' | 'failing-readiness';
  readonly image?: string;
  /** Absent: the first container. */
  readonly container?: string;
  /** Path that the application answers with an error, for `failing-readiness`. */
  readonly readinessPath: string;
  /** `never`: the fault itself does not; a revision that is stuck at its end is undone with it. */
  readonly rollBack: 'on-failure' | 'always' | 'never';
}

/** `kubectl rollout undo` while the load runs. */
export interface RollbackSpec extends RolloutSpecBase {
  readonly kind: 'kubernetes/rollback';
  /** Revision to go to; absent: the one before. */
  readonly toRevision?: number;
  /** Id of a rolling update of this plan that makes the revision to go back from; until it has run none may be there. */
  readonly after?: string;
}

/** What shows that an experiment of Litmus did something: see {@link LitmusEngineSpec.proof}. */
export type LitmusProof = 'pods-gone' | 'containers-restarted' | 'result';

/** A ChaosExperiment of Litmus, run through a ChaosEngine of our own in the namespace of the Kubernetes section. */
export interface LitmusEngineSpec extends FaultSpecBase {
  readonly kind: 'litmus/engine';
  /** Name of a ChaosExperiment that is installed in the namespace. */
  readonly experiment: string;
  readonly serviceAccount: string;
  /** `spec.appinfo`: the pods by label selector, and the kind of workload that owns them. */
  readonly app: { readonly label: string; readonly kind: string };
  /** TOTAL_CHAOS_DURATION and CHAOS_INTERVAL; Litmus counts in whole seconds. */
  readonly durationMs: number;
  readonly intervalMs: number;
  /** Further environment of the experiment; no secrets: the engine's object shows them. */
  readonly env: Readonly<Record<string, string>>;
  /** `spec.components` as it is, such as the runner's image. */
  readonly components?: Readonly<Record<string, unknown>>;
  /** `probe` of the experiment as it is; their outcomes become evidence, not objectives. */
  readonly probes: readonly Readonly<Record<string, unknown>>[];
  /** Litmus' own check of the application before and after (`defaultHealthCheck`). */
  readonly healthCheck: boolean;
  /**
   * What has to be seen. `pods-gone` and `containers-restarted` are our own look at the pods by UID; `result` is Litmus' word
   * alone, for experiments that replace nothing.
   */
  readonly proof: LitmusProof;
  /** Largest share 0-1 of the matching pods that one round may hit. */
  readonly maxAffectedRatio: number;
  /** From the engine's creation until the experiment runs. */
  readonly startWithinMs: number;
  /** What Litmus may take beyond `durationMs` until it has judged. */
  readonly endWithinMs: number;
  /** True: the ChaosResult stays when the engine is taken away. */
  readonly keepResult: boolean;
}

/** A fault that Litmus (ChaosCenter) injects while the run lasts; its record is imported into the run folder afterwards. */
export interface LitmusExternalSpec extends FaultSpecBase {
  readonly kind: 'litmus/external';
  readonly experiment: string;
  /** Label selector of the pods that it hits: those of `kubernetes.deployment`, which the run observes. */
  readonly selector: string;
  /** As of {@link LitmusEngineSpec.proof}; `pods-gone` is read from what the run observed. */
  readonly proof: 'pods-gone' | 'result';
}

export type FaultSpec =
  | KillPodsSpec
  | DrainNodeSpec
  | RollingUpdateSpec
  | RollbackSpec
  | PostgresFailoverSpec
  | RedisFloodSpec
  | SentinelFailoverSpec
  | LitmusEngineSpec
  | LitmusExternalSpec;

/** Stops the faults, reverts, and judges what there is. Watched on the probes. */
export interface AbortSpec {
  readonly service: BusinessService;
  /** Share 0-1 of bad probes in the window that aborts. */
  readonly badRatio: number;
  readonly windowMs: number;
}

interface ObjectiveBase {
  readonly id: string;
  /** Where the target comes from (contract, board decision ...), printed in the report. */
  readonly source?: string;
}

export interface SloObjectiveSpec extends ObjectiveBase {
  readonly kind: 'slo';
  /** Load to judge; absent selectors do not restrict. */
  readonly scenario?: string;
  readonly service?: BusinessService;
  readonly loadClass?: LoadClass;
  readonly journey?: string;
  readonly step?: string;
  readonly phases: readonly PhaseName[];
  readonly indicator:
    | { readonly metric: 'latency'; readonly percentile: number; readonly maxMs: number }
    | { readonly metric: 'error-ratio'; readonly maxRatio: number };
  readonly minSamples: number;
}

export interface AttainmentObjectiveSpec extends ObjectiveBase {
  readonly kind: 'attainment';
  readonly scenario: string;
  readonly phases: readonly PhaseName[];
  /** Journey answered correctly within this time. */
  readonly withinMs: number;
  readonly minRatio: number;
  readonly minSamples: number;
}

export interface RecoveryObjectiveSpec extends ObjectiveBase {
  readonly kind: 'recovery';
  readonly service: BusinessService;
  /** Id of the fault. */
  readonly fault: string;
  readonly maxRecoveryMs: number;
  readonly consecutive: number;
  readonly holdMs: number;
  /** Share of baseline throughput that must be back; factor of baseline p95 that must not be exceeded. */
  readonly throughputRatio: number;
  readonly p95Factor: number;
}

export interface DataLossObjectiveSpec extends ObjectiveBase {
  readonly kind: 'data-loss';
  readonly service: BusinessService;
  readonly maxLostWrites: number;
  readonly maxDuplicates: number;
  readonly maxLossWindowMs: number;
  /** Time for which two members took writes at once; absent: none is allowed. */
  readonly maxSplitBrainMs?: number;
  /** Fewer acknowledged writes than this: inconclusive. */
  readonly minWrites: number;
}

export type InvariantName =
  | 'stock-moves-match-quants'
  | 'debit-equals-credit'
  | 'one-invoice-per-order'
  | 'pos-sessions-match-payments';

export interface InvariantObjectiveSpec extends ObjectiveBase {
  readonly kind: 'invariant';
  readonly invariant: InvariantName;
  /** Largest number of violations. */
  readonly maxViolations: number;
}

export interface AutoscalingObjectiveSpec extends ObjectiveBase {
  readonly kind: 'autoscaling';
  /** Scenario whose load step starts the clock. */
  readonly scenario: string;
  readonly maxDesiredMs: number;
  readonly maxReadyMs: number;
  readonly maxServiceLevelBackMs: number;
  readonly minReplicasReached: number;
  /** Direction changes of desiredReplicas allowed during the run. */
  readonly maxFlaps: number;
  /** From the fall of the load to as many desiredReplicas as before the step. Absent: told, not judged. */
  readonly maxScaleInMs?: number;
}

export type ObjectiveSpec =
  | SloObjectiveSpec
  | AttainmentObjectiveSpec
  | RecoveryObjectiveSpec
  | DataLossObjectiveSpec
  | InvariantObjectiveSpec
  | AutoscalingObjectiveSpec;

/** What has to hold for the run to say anything at all. */
export interface GuardsSpec {
  /** Share 0-1 of scheduled iterations that may be dropped or interrupted in the baseline. */
  readonly maxDroppedBaselineRatio: number;
  /** Share 0-1 of planned iterations (whole run) that the generator must have scheduled. */
  readonly minDeliveredRatio: number;
  /** Largest share 0-1 of bad probes in the baseline. */
  readonly maxBadBaselineRatio: number;
  readonly minBaselineProbes: number;
}

export interface Plan {
  readonly schemaVersion: 1;
  readonly name: string;
  readonly description: string;
  readonly seed: number;
  readonly target: OdooTarget | LabTarget;
  readonly kubernetes?: KubernetesTarget;
  readonly postgres?: PostgresTarget;
  readonly redis?: RedisTarget;
  /** `GET` answers 200 when the ingress itself is up; observed, not judged. */
  readonly ingressHealthUrl?: string;
  readonly guard: GuardSpec;
  readonly dataset: DatasetSpec;
  readonly phases: {
    readonly warmUpMs: number;
    readonly baselineMs: number;
    readonly disturbanceMs: number;
    readonly recoveryMs: number;
    readonly settleMs: number;
  };
  readonly load: { readonly scenarios: readonly ScenarioSpec[] };
  readonly probes: readonly ProbeSpec[];
  readonly observeIntervalMs: number;
  readonly faults: readonly FaultSpec[];
  readonly abort: readonly AbortSpec[];
  readonly guards: GuardsSpec;
  readonly objectives: readonly ObjectiveSpec[];
}
