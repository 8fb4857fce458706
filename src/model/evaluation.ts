/** The judgement of one run: `evaluation.json`. Everything a report shows comes from here alone. */
import type { BusinessService, ObjectiveSpec, PhaseName } from './plan.ts';
import type { ApiTrouble, EnvironmentRecord, SplitBrain } from './run-records.ts';

export type Verdict = 'pass' | 'fail' | 'inconclusive';

export interface Evidence {
  /** One sentence with the numbers. */
  readonly text: string;
  /** File of the run folder it rests on. */
  readonly file?: string;
}

export interface ObjectiveResult {
  readonly id: string;
  readonly kind: ObjectiveSpec['kind'];
  /** Business service, or `platform` for objectives that belong to none (autoscaling, invariants). */
  readonly service: BusinessService | 'platform';
  readonly verdict: Verdict;
  /** Null: nothing could be measured, or censored (see `censored`). */
  readonly measured: number | null;
  readonly target: number;
  readonly unit: 'ms' | 'ratio' | 'writes' | 'violations' | 'replicas';
  /** `at-most`: measured <= target passes; `at-least`: measured >= target. */
  readonly direction: 'at-most' | 'at-least';
  /** Distance to the target as a share of it, positive when met; null without a measurement or with target 0. */
  readonly margin: number | null;
  /** Half-width of the measurement error in `unit`, when known. */
  readonly errorBar: number | null;
  /** The true value is larger than `measured`: the run ended first. */
  readonly censored: boolean;
  /** Why, in one sentence. */
  readonly reason: string;
  readonly evidence: readonly Evidence[];
  readonly source?: string;
  /** Further figures of this objective (e.g. desired/ready/service-level-back times), for the detail table. */
  readonly details: readonly {
    readonly name: string;
    readonly value: number | string | null;
    readonly unit?: string;
    readonly target?: number;
  }[];
}

export interface GuardResult {
  readonly id: string;
  readonly held: boolean;
  readonly reason: string;
  /** Objectives that this guard makes inconclusive; empty: all of them. */
  readonly objectives: readonly string[];
}

export interface FaultWindow {
  readonly fault: string;
  readonly kind: string;
  readonly target: string;
  readonly blastRadius: string;
  readonly prediction?: string;
  readonly injectedAt: number | null;
  readonly endedAt: number | null;
  readonly revertedAt: number | null;
  readonly proven: boolean;
  readonly reverted: boolean;
  readonly evidence: readonly string[];
  /** Two members took writes at once through this fault. */
  readonly splitBrain?: SplitBrain;
}

/** The four moments of a recovery, for one service and one fault. */
export interface RecoveryBracket {
  readonly service: BusinessService;
  readonly fault: string;
  readonly injectedAt: number;
  readonly impactAt: number | null;
  readonly firstOkAt: number | null;
  readonly recoveredAt: number | null;
  readonly recoveryMs: number | null;
  readonly errorBarMs: number;
  readonly censored: boolean;
  /** Configured bound (Patroni ttl and loop_wait, HPA sync, liveness/readiness probe periods) in words and ms when computable. */
  readonly bound: { readonly text: string; readonly ms: number | null } | null;
}

export interface ScenarioSummary {
  readonly scenario: string;
  readonly loadClass: string;
  readonly service: string;
  readonly phases: readonly PhaseFigures[];
}

export interface PhaseFigures {
  readonly phase: PhaseName;
  readonly scheduled: number;
  readonly dropped: number;
  readonly interrupted: number;
  readonly ok: number;
  readonly fail: number;
  readonly unknown: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly perSecond: number;
}

/** What the read-back found, by service. */
export interface DataLossSummary {
  readonly service: BusinessService;
  readonly acknowledged: number;
  readonly unknown: number;
  readonly unknownThatHappened: number;
  readonly lostKeys: readonly LostKey[];
  readonly duplicatedKeys: readonly string[];
  readonly readBacks: number;
}

export interface LostKey {
  readonly key: string;
  readonly model: string;
  readonly effect: string;
  readonly answeredAt: number;
}

/** Parallel arrays over one axis; null where nothing was seen. */
export interface Series {
  readonly name: string;
  readonly unit: string;
  readonly panel: 'throughput' | 'attainment' | 'latency' | 'errors' | 'replicas' | 'replication' | 'redis' | 'probes';
  readonly values: readonly (number | null)[];
}

export interface Timeline {
  readonly startAt: number;
  readonly stepMs: number;
  /** Instants of the axis, `startAt + i * stepMs`. */
  readonly points: number;
  readonly series: readonly Series[];
}

export interface LoadStep {
  readonly scenario: string;
  readonly at: number;
  readonly fromPerSecond: number;
  readonly toPerSecond: number;
}

/** One part of the way from a load step to the service level back; each begins where the one before it ended. */
export interface ScalingStage {
  readonly name: 'metric' | 'decision' | 'scheduling' | 'start' | 'readiness' | 'service-level-back';
  readonly fromAt: number | null;
  readonly toAt: number | null;
  /** Null: not seen, `note` says why. */
  readonly durationMs: number | null;
  /** Within how many ms the end of the stage is known. */
  readonly resolutionMs: number | null;
  /** What it was read from, and whose clock that is. */
  readonly source: string;
  readonly note?: string;
}

/** How the autoscaler of one objective answered its load step. */
export interface ScalingSummary {
  readonly objective: string;
  readonly autoscaler: string;
  /** What it scales on, one phrase a metric. */
  readonly scalesOn: readonly string[];
  /** What made the autoscaler, when it is not a person: `ScaledObject shop (KEDA)`. */
  readonly madeBy: string | null;
  readonly stepAt: number;
  readonly stages: readonly ScalingStage[];
  /** What the configuration allows for the same way, at best and at worst; ms null when it is not known. */
  readonly bound: { readonly text: string; readonly fastestMs: number | null; readonly slowestMs: number | null } | null;
  readonly limitedByMax: boolean;
  readonly scaleIn: {
    /** When the load fell again; null: not within the run. */
    readonly loadFellAt: number | null;
    readonly startedMs: number | null;
    readonly doneMs: number | null;
    readonly text: string;
  };
  /** Conditions of the autoscaler as they changed, and its events. */
  readonly conditions: readonly { readonly at: number; readonly text: string }[];
  readonly events: readonly { readonly at: number; readonly text: string }[];
}

/** A figure of what pods used in one phase. Null: not measured. */
export interface UseFigures {
  readonly phase: PhaseName;
  /** Figures of single pods that these rest on. */
  readonly samples: number;
  readonly podCpuP95Cores: number | null;
  readonly podCpuMaxCores: number | null;
  readonly podMemoryMaxBytes: number | null;
  readonly totalCpuP95Cores: number | null;
  readonly readyMin: number | null;
  readonly readyMax: number | null;
  readonly desiredMax: number | null;
}

/** Advice, never part of a verdict. */
export interface RightsizingAdvice {
  readonly setting: 'cpu request' | 'memory request' | 'minReplicas' | 'maxReplicas' | 'target utilisation';
  readonly current: number | null;
  /** Null: none can be given, `reason` says why. */
  readonly advised: number | null;
  readonly unit: 'cores' | 'bytes' | 'replicas' | 'ratio';
  /** The numbers it rests on, one sentence. */
  readonly reason: string;
}

export interface Rightsizing {
  readonly workload: string;
  readonly phases: readonly UseFigures[];
  readonly advice: readonly RightsizingAdvice[];
  /** Why there is no advice at all. */
  readonly noAdvice: string | null;
}

/** A span in which one source could not be seen. */
export interface ObservationGap {
  readonly source: string;
  readonly fromAt: number;
  readonly toAt: number;
  readonly reason: string;
  readonly trouble?: ApiTrouble;
}

export interface Evaluation {
  readonly schemaVersion: 1;
  readonly runId: string;
  readonly verdict: Verdict;
  readonly objectives: readonly ObjectiveResult[];
  readonly plan: { readonly name: string; readonly description: string; readonly digest: string; readonly seed: number };
  readonly startedAt: number;
  readonly endedAt: number;
  readonly interrupted: boolean;
  /** Reason of an abort condition that fired. */
  readonly aborted: string | null;
  readonly undoOpen: readonly { readonly id: string; readonly fault: string; readonly action: string }[];
  readonly guards: readonly GuardResult[];
  readonly phases: readonly { readonly phase: PhaseName; readonly startAt: number; readonly endAt: number }[];
  readonly faults: readonly FaultWindow[];
  /** Planned jumps of a scenario's arrival rate; the clock of an autoscaling objective starts at one. Absent: not looked for. */
  readonly loadSteps?: readonly LoadStep[];
  readonly recoveries: readonly RecoveryBracket[];
  /** One for each autoscaling objective that could be watched. Absent: written before there was this. */
  readonly autoscaling?: readonly ScalingSummary[];
  readonly rightsizing?: Rightsizing;
  readonly gaps?: readonly ObservationGap[];
  readonly scenarios: readonly ScenarioSummary[];
  readonly dataLoss: readonly DataLossSummary[];
  readonly invariants: readonly {
    readonly invariant: string;
    readonly checked: number;
    readonly violations: readonly string[];
  }[];
  readonly timeline: Timeline;
  readonly environment: EnvironmentRecord;
}
