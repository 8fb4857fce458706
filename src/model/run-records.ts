/**
 * What a run folder holds, one type a file. Instants (`...At`) are UTC epoch milliseconds of the harness's clock;
 * a value read from another clock carries its source in the name (`serverAt`). NDJSON files start with a
 * {@link FileHeader} line; a cut last line is tolerated by readers, a cut or garbled line elsewhere is an error.
 */
import type { BusinessService, PhaseName } from './plan.ts';

export interface FileHeader {
  readonly schemaVersion: 1;
  readonly file: 'journal' | 'undo' | 'observations' | 'probes' | 'ledger';
  readonly runId: string;
}

/** Outcome of a call: certainly done, certainly not done, or may have been done. */
export type Outcome = 'ok' | 'fail' | 'unknown';

/**
 * How the Kubernetes API failed: no connection or one that broke, no answer in time, 429, 401, 410, 5xx; and what another try
 * does not mend: 403, 404, any other refusal.
 */
export type ApiTrouble =
  | 'unreachable'
  | 'timeout'
  | 'throttled'
  | 'credentials'
  | 'gone'
  | 'server-error'
  | 'forbidden'
  | 'not-found'
  | 'refused';

/** `journal.ndjson`: dated facts in order. */
export type JournalEvent =
  | { readonly at: number; readonly type: 'run-started'; readonly plan: string }
  | { readonly at: number; readonly type: 'phase-started'; readonly phase: PhaseName }
  | {
      readonly at: number;
      readonly type: 'fault-planned';
      readonly fault: string;
      readonly kind: string;
      readonly target: string;
      readonly blastRadius: string;
      readonly prediction?: string;
    }
  | {
      readonly at: number;
      readonly type: 'fault-injected';
      readonly fault: string;
      readonly kind: string;
      readonly detail: string;
    }
  | {
      readonly at: number;
      readonly type: 'fault-proven';
      readonly fault: string;
      readonly proven: boolean;
      readonly evidence: readonly string[];
    }
  | ({ readonly at: number; readonly type: 'split-brain'; readonly fault: string } & SplitBrain)
  | { readonly at: number; readonly type: 'fault-ended'; readonly fault: string; readonly detail: string }
  | {
      readonly at: number;
      readonly type: 'fault-reverted';
      readonly fault: string;
      readonly complete: boolean;
      readonly detail: string;
    }
  | { readonly at: number; readonly type: 'fault-failed'; readonly fault: string; readonly code: string; readonly detail: string }
  | { readonly at: number; readonly type: 'abort'; readonly reason: string }
  | { readonly at: number; readonly type: 'interrupted'; readonly signal: string }
  | {
      readonly at: number;
      readonly type: 'observer-gap';
      readonly source: ObservationSource;
      readonly fromAt: number;
      readonly detail: string;
      /** What kind of trouble it was, when it was the Kubernetes API's. */
      readonly trouble?: ApiTrouble;
    }
  | {
      readonly at: number;
      readonly type: 'load-ended';
      readonly runner: string;
      readonly exitCode: number | null;
      readonly detail: string;
    }
  | { readonly at: number; readonly type: 'harness-event'; readonly detail: string }
  | { readonly at: number; readonly type: 'run-ended'; readonly detail: string };

/** A former primary that acknowledged writes of ours while another member was the primary already. */
export interface SplitBrain {
  /** Member that took the writes, and the primary at that time. */
  readonly orphan: string;
  readonly primary: string;
  /** When the other primary was first seen; last acknowledgement by the orphan. */
  readonly fromAt: number;
  readonly untilAt: number;
  /** The orphan took writes still when the watch ended: the true time is longer. */
  readonly censored: boolean;
  readonly acknowledged: number;
  /** Keys of acknowledged writes that the primary does not have. */
  readonly lostKeys: readonly string[];
}

/** `undo.ndjson`: written before a fault touches anything; a later line with the same id and `closed` ends it. */
export type UndoRecord =
  | {
      readonly at: number;
      readonly id: string;
      readonly state: 'open';
      readonly fault: string;
      readonly kind: string;
      readonly action: string;
      readonly data: Readonly<Record<string, unknown>>;
    }
  | { readonly at: number; readonly id: string; readonly state: 'closed'; readonly detail: string };

/** `probes.ndjson`: one business probe. `sentAt` is when it was sent, `latencyMs` monotonic. */
export interface ProbeRecord {
  readonly service: BusinessService;
  readonly key: string;
  /** When it should have been sent. */
  readonly scheduledAt: number;
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly latencyMs: number;
  readonly outcome: Outcome;
  /** ok and not slower than the probe's `slowMs`. */
  readonly good: boolean;
  readonly detail?: string;
}

/** What a write was meant to bring about, checked by the read-back. */
export type WriteEffect = 'create' | 'confirm' | 'cancel' | 'post' | 'reverse';
/** Models of Odoo, and the sessions that the probe of the session store keeps in Redis. */
export type LedgerModel = 'sale.order' | 'pos.order' | 'account.move' | 'redis.session';

/** `ledger.ndjson`, first kind: each acknowledged or unknown write of load and probes, one row a key and effect. */
export interface LedgerWrite {
  readonly row: 'write';
  /** `client_order_ref`, `uuid`, `ref` or the key in Redis, by model. */
  readonly key: string;
  readonly service: BusinessService;
  readonly model: LedgerModel;
  readonly effect: WriteEffect;
  readonly origin: 'load' | 'probe';
  readonly outcome: 'ok' | 'unknown';
  readonly sentAt: number;
  readonly answeredAt: number;
}

/** `ledger.ndjson`, second kind: what a read-back found for a key. */
export interface LedgerReadBack {
  readonly row: 'read-back';
  /** 1 or 2. */
  readonly pass: number;
  readonly at: number;
  readonly key: string;
  readonly model: LedgerModel;
  /** Records found under the key: 0 absent, 1 present, more: duplicated. */
  readonly count: number;
  /** `state` of each record found. */
  readonly states: readonly string[];
}

/** `ledger.ndjson`, third kind: an invariant over the whole run. */
export interface LedgerInvariant {
  readonly row: 'invariant';
  readonly at: number;
  readonly invariant: string;
  /** Things looked at; 0 is no data. */
  readonly checked: number;
  readonly violations: readonly string[];
}

/** `ledger.ndjson`, fourth kind: a read-back or invariant that could not be completed. */
export interface LedgerGap {
  readonly row: 'gap';
  readonly at: number;
  readonly what: string;
  readonly detail: string;
}

export type LedgerRow = LedgerWrite | LedgerReadBack | LedgerInvariant | LedgerGap;

/** One metric of an autoscaler, as its spec and its status give it. */
export interface HpaMetric {
  /** `Resource`, `ContainerResource`, `Pods`, `Object` or `External`. */
  readonly type: string;
  readonly name: string;
  /** Container, object or selector that it is about; empty when its name says all. */
  readonly of: string;
  /** What is compared: percent of the request, average a pod, or the value as it is. */
  readonly targetKind: 'Utilization' | 'AverageValue' | 'Value';
  readonly target: number | null;
  /** Null: the autoscaler does not know it. */
  readonly current: number | null;
}

/** Cores and bytes of a pod's containers together; null when one of them sets none. */
export interface PodResources {
  readonly cpuCores: number | null;
  readonly memoryBytes: number | null;
}

/** What the metrics API measured of a pod over `windowMs` until `serverAt` (its clock); null when it does not say. */
export interface PodUse {
  readonly name: string;
  readonly cpuCores: number;
  readonly memoryBytes: number | null;
  readonly serverAt: number | null;
  readonly windowMs: number | null;
}

/** `observations.ndjson`: one look at one part of the platform. */
export type Observation =
  | {
      readonly at: number;
      readonly source: 'hpa';
      readonly name: string;
      readonly currentReplicas: number;
      readonly desiredReplicas: number;
      readonly minReplicas: number;
      readonly maxReplicas: number;
      readonly metric: string;
      readonly currentValue: number | null;
      readonly targetValue: number | null;
      /** All of its metrics; `metric`, `currentValue` and `targetValue` are those of the first. Absent in older runs. */
      readonly metrics?: readonly HpaMetric[];
      /** `status.lastScaleTime`. */
      readonly lastScaleServerAt?: number | null;
      /** What made this autoscaler, when it is not a person: KEDA's ScaledObject. */
      readonly scaler?: { readonly kind: string; readonly name: string };
      readonly conditions: readonly {
        readonly type: string;
        readonly status: string;
        readonly reason: string;
        readonly message: string;
      }[];
    }
  | { readonly at: number; readonly source: 'pods'; readonly pods: readonly PodObservation[] }
  | {
      readonly at: number;
      readonly source: 'pod-metrics';
      /** Those whose figures are newer than at the look before; empty when none are. */
      readonly pods: readonly PodUse[];
    }
  | {
      readonly at: number;
      readonly source: 'deployment';
      readonly name: string;
      readonly replicas: number;
      readonly readyReplicas: number;
      readonly updatedReplicas: number;
    }
  | {
      readonly at: number;
      readonly source: 'events';
      readonly reason: string;
      readonly object: string;
      readonly message: string;
      readonly count: number;
      readonly serverAt: number;
    }
  | {
      readonly at: number;
      readonly source: 'nodes';
      readonly nodes: readonly { readonly name: string; readonly cpuCores: number; readonly memoryBytes: number }[];
    }
  | {
      readonly at: number;
      readonly source: 'patroni';
      readonly members: readonly {
        readonly name: string;
        readonly role: string;
        readonly state: string;
        readonly timeline: number;
        readonly lagBytes: number | null;
      }[];
      readonly paused: boolean;
    }
  | {
      readonly at: number;
      readonly source: 'postgres';
      readonly timeline: number | null;
      readonly inRecovery: boolean;
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
  | {
      readonly at: number;
      readonly source: 'redis';
      readonly usedMemoryBytes: number;
      readonly maxMemoryBytes: number;
      readonly policy: string;
      readonly connectedClients: number;
      readonly maxClients: number;
      readonly blockedClients: number;
      readonly rejectedConnections: number;
      readonly evictedKeys: number;
      readonly expiredKeys: number;
      readonly opsPerSecond: number;
      readonly oomErrors: number;
      readonly keyspaceHits: number;
      readonly keyspaceMisses: number;
      readonly keys: number;
      readonly role: string;
    }
  | { readonly at: number; readonly source: 'ingress'; readonly status: number; readonly latencyMs: number }
  | {
      readonly at: number;
      readonly source: 'sentinel';
      readonly group: string;
      /** `host:port` of the master as the Sentinel with the newest configuration announces it. */
      readonly master: string;
      readonly configEpoch: number;
      /** As CKQUORUM says. */
      readonly quorum: boolean;
      /** Those that answered. */
      readonly sentinels: number;
      readonly failoverInProgress: boolean;
      readonly servers: readonly RedisServerObservation[];
    };

export type ObservationSource = Observation['source'];

/** One Redis server as it describes itself, whatever the Sentinels say about it. */
export interface RedisServerObservation {
  /** As announced. */
  readonly address: string;
  readonly role: 'master' | 'replica' | 'unreachable';
  /** Of a replica: is it connected to its master? */
  readonly linkUp: boolean | null;
  readonly offset: number | null;
  /** Of a replica: behind the server that the Sentinels name as the master. */
  readonly lagBytes: number | null;
}

export interface PodObservation {
  readonly name: string;
  readonly uid: string;
  readonly phase: string;
  readonly ready: boolean;
  readonly restarts: number;
  readonly deleting: boolean;
  /** Of the API server's clock. */
  readonly createdServerAt: number;
  readonly readyServerAt: number | null;
  /** Given to a node; of the scheduler's clock. Absent in older runs. */
  readonly scheduledServerAt?: number | null;
  /** All containers running; of the node's clock. */
  readonly startedServerAt?: number | null;
  /** Why a container waits (`ImagePullBackOff`), or the pod for a node (`Unschedulable`). */
  readonly waiting?: string;
  readonly node?: string;
  readonly requests?: PodResources;
  readonly limits?: PodResources;
}

/**
 * One row of `load/<runner>/samples.csv`, k6's own CSV output (`K6_CSV_TIME_FORMAT=unix_micro`). The metrics of ours:
 * - `odoo_call` (trend, ms): one RPC. tags: scenario (plan id), load_class, service, journey, step, model, effect ('' when it
 *   is not a write), outcome (ok|fail|unknown), fault (short class of the fault, '' when none). metadata `keys`:
 *   business keys separated by one space.
 * - `journey_started` (counter): one an iteration, at its start; same scenario/load_class/service/journey tags.
 * - `journey_duration` (trend, ms): one a finished iteration; outcome ok|fail|unknown.
 * A sample's time is the END of what it measured. `iterations` and `dropped_iterations` are k6's own.
 * Columns of the file: metric_name,timestamp,metric_value,error_code,scenario,service,status,extra_tags,metadata. `scenario` and
 * `service` are columns, the other tags are in `extra_tags` (`a=b&c=d`, any order); k6's dropped_iterations has only `scenario`.
 * A look-up that shows a client the fate of its unanswered write is a sample of its own with the write's effect and keys.
 */
export const K6_METRICS = { call: 'odoo_call', started: 'journey_started', journey: 'journey_duration' } as const;

/** `load/<runner>/runner.json`, written by the harness when the runner has ended. */
export interface RunnerRecord {
  readonly schemaVersion: 1;
  readonly runner: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly k6Version: string;
  /** Iterations that the plan's arrival rates schedule, by scenario id and in all. */
  readonly planned: readonly { readonly scenario: string; readonly iterations: number }[];
  /** Uncaught exceptions that k6 logged; any makes the load incomplete. */
  readonly scriptErrors: number;
  /** What the exit means, one sentence. */
  readonly detail?: string;
}

/** `environment.json`. */
export interface EnvironmentRecord {
  readonly schemaVersion: 1;
  readonly runId: string;
  readonly harnessVersion: string;
  readonly nodeVersion: string;
  readonly k6Version: string;
  readonly host: { readonly platform: string; readonly cpus: number; readonly memoryBytes: number };
  readonly seed: number;
  readonly planDigest: string;
  readonly target: { readonly kind: string; readonly url: string; readonly database: string; readonly version: string };
  readonly kubernetes?: {
    readonly version: string;
    readonly context: string;
    readonly namespace: string;
    readonly hpa?: Readonly<Record<string, unknown>>;
    readonly hpaSyncSeconds?: number;
    /** What the nodes have for pods; absent when the account may not list nodes. */
    readonly nodes?: readonly {
      readonly name: string;
      readonly cpuCores: number;
      readonly memoryBytes: number;
      readonly pods: number;
    }[];
  };
  readonly postgres?: {
    readonly version: string;
    readonly patroni?: {
      readonly ttlSeconds: number;
      readonly loopWaitSeconds: number;
      readonly retryTimeoutSeconds: number;
      readonly synchronousMode: boolean;
      readonly version: string;
    };
  };
  readonly redis?: {
    readonly version: string;
    readonly maxMemoryBytes: number;
    readonly policy: string;
    readonly maxClients: number;
    readonly sentinel?: {
      readonly group: string;
      readonly sentinels: number;
      readonly quorum: number;
      readonly replicas: number;
      readonly downAfterMs: number;
      readonly failoverTimeoutMs: number;
      /** 0: the master takes writes without any replica. */
      readonly minReplicasToWrite: number;
      readonly minReplicasMaxLagSeconds: number;
    };
  };
  readonly clockOffsets: readonly { readonly source: string; readonly offsetMs: number }[];
}
