/**
 * The resolved plan: what a run works on once every default is filled in and every duration parsed.
 * The YAML that users write, its defaults and its checks are in `src/plan`. Durations are milliseconds here.
 */
export type BusinessService = 'order-capture' | 'pos' | 'financial-posting';
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

/** A lab that `run` starts for this plan, or finds running (`--lab`); it resolves to an {@link OdooTarget}. */
export interface LabTarget {
  readonly kind: 'lab';
  readonly workers: { readonly min: number; readonly max: number };
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
}

export type PostgresTarget =
  | {
      readonly driver: 'patroni';
      readonly patroniUrls: readonly string[];
      readonly connection?: PostgresConnection;
      /** `crash` for members that are no pods of the Kubernetes section. */
      readonly commands?: PostgresCommands;
    }
  | { readonly driver: 'command'; readonly connection: PostgresConnection; readonly commands: PostgresCommands };

/** `url` has no password in it; the password comes from {@link SecretRef}. */
export interface PostgresConnection {
  readonly url: string;
  readonly standbyUrls: readonly string[];
  readonly password?: SecretRef;
}

/** Programs with arguments (no shell) for databases without Patroni. */
export interface PostgresCommands {
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
  readonly mode: 'switchover' | 'crash' | 'failover';
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

export type FaultSpec = KillPodsSpec | PostgresFailoverSpec | RedisFloodSpec;

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
