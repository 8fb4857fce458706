/** An autoscaler that answers the load step of the builder's flash sale (at 70 s; the load falls at 130 s), one look a second. */
import { judgeAutoscaling } from '../../src/evaluate/autoscaling.ts';
import type { DemandSecond } from '../../src/evaluate/figures.ts';
import type { History } from '../../src/evaluate/history.ts';
import type { AutoscalingObjectiveSpec } from '../../src/model/plan.ts';
import type {
  EnvironmentRecord,
  HpaMetric,
  JournalEvent,
  Observation,
  ObservationSource,
  PodObservation,
  PodUse,
} from '../../src/model/run-records.ts';
import { aJournal, anEnvironment, aPlan, aRun, at, history, type RunSketch, START, withFault } from './a-run.ts';

export const objective: AutoscalingObjectiveSpec = {
  id: 'hpa',
  kind: 'autoscaling',
  scenario: 'flash',
  maxDesiredMs: 20_000,
  maxReadyMs: 30_000,
  maxServiceLevelBackMs: 40_000,
  minReplicasReached: 4,
  maxFlaps: 1,
};

export interface Scaling {
  readonly desired?: (s: number) => number;
  readonly ready?: (s: number) => number;
  readonly active?: (s: number) => string;
  /** Percent of the request; the target is 50. Null: unknown. */
  readonly metric?: (s: number) => number | null;
  readonly metrics?: (s: number) => readonly HpaMetric[];
  readonly scaler?: { readonly kind: string; readonly name: string };
  readonly limited?: boolean;
  /** Limited from this second on. */
  readonly limitedFrom?: number;
  readonly maxReplicas?: number;
  readonly minReplicas?: number;
  /** The fault `crash` is injected then. */
  readonly faultAt?: number;
  /** Nothing is seen of autoscaler and deployment. */
  readonly silent?: (s: number) => boolean;
  readonly missed?: (s: number) => boolean;
  readonly pods?: (s: number) => readonly PodObservation[];
  readonly uses?: (s: number) => readonly PodUse[];
  readonly events?: readonly { readonly s: number; readonly reason: string; readonly message: string }[];
  readonly gaps?: readonly { readonly source: ObservationSource; readonly from: number; readonly to: number }[];
  readonly behavior?: Record<string, unknown>;
  /** Of the API server's clock to ours. */
  readonly offsetMs?: number;
}

/** As a sketch of a run folder; `scalingHistory` is what the pure judges take of it. */
export function scalingRun(scaling: Scaling = {}, changes: Partial<AutoscalingObjectiveSpec> = {}): RunSketch {
  const silent = scaling.silent ?? (() => false);
  const observations = Array.from({ length: 200 }, (_, s): readonly Observation[] => [
    ...(silent(s) ? [] : looksAt(s, scaling)),
    ...(scaling.pods === undefined ? [] : [{ at: at(s), source: 'pods' as const, pods: scaling.pods(s) }]),
    ...usesAt(s, scaling),
  ]).flat();
  const events = (scaling.events ?? []).map(({ s, reason, message }) => ({
    at: at(s) + 900,
    source: 'events' as const,
    reason,
    object: 'HorizontalPodAutoscaler/erp',
    message,
    count: 1,
    serverAt: at(s),
  }));
  const gaps: readonly JournalEvent[] = (scaling.gaps ?? []).map(({ source, from, to }) => ({
    at: at(to),
    type: 'observer-gap',
    source,
    fromAt: at(from),
    detail: 'connect ECONNREFUSED',
    trouble: 'unreachable',
  }));
  const run = aRun({
    plan: aPlan({ objectives: [{ ...objective, ...changes }] }),
    environment: environmentOf(scaling),
    journal: [...aJournal(), ...gaps].toSorted((a, b) => a.at - b.at),
    observations: [...observations, ...events].toSorted((a, b) => a.at - b.at),
  });
  return scaling.faultAt === undefined ? run : withFault(run, 'crash', scaling.faultAt);
}

export function scalingHistory(scaling: Scaling = {}, changes: Partial<AutoscalingObjectiveSpec> = {}): History {
  return history(scalingRun(scaling, changes));
}

/** Judged as it is; guards are applied elsewhere. */
export function scale(scaling: Scaling = {}, changes: Partial<AutoscalingObjectiveSpec> = {}) {
  const missed = scaling.missed ?? ((s: number) => s >= 72 && s < 96);
  const demand: readonly DemandSecond[] = Array.from({ length: 190 }, (_, s) => ({
    at: START + s * 1000,
    scheduled: 6,
    ok: missed(s) ? 2 : 6,
  }));
  return judgeAutoscaling({ ...objective, ...changes }, demand, scalingHistory(scaling, changes));
}

export function detail(judged: ReturnType<typeof scale>, name: string): number | string | null | undefined {
  return judged.result.details.find((row) => row.name === name)?.value;
}

/** Ready from `readyAt` on; created, scheduled and started in the seconds given. */
export function aScaledPod(name: string, moments: { created: number; scheduled: number; started: number; ready: number }) {
  return (s: number): readonly PodObservation[] => {
    if (s < moments.created) return [];
    const known = (second: number): number | null => (s >= second ? at(second) : null);
    return [
      {
        name,
        uid: `uid-${name}`,
        phase: s < moments.started ? 'Pending' : 'Running',
        ready: s >= moments.ready,
        restarts: 0,
        deleting: false,
        createdServerAt: at(moments.created),
        scheduledServerAt: known(moments.scheduled),
        startedServerAt: known(moments.started),
        readyServerAt: known(moments.ready),
        requests: { cpuCores: 1, memoryBytes: 1e9 },
      },
    ];
  };
}

function looksAt(s: number, scaling: Scaling): readonly Observation[] {
  const {
    desired = (second) => (second < 85 ? 2 : 4),
    ready = (second) => (second < 95 ? 2 : 4),
    active = () => 'True',
  } = scaling;
  const current = (scaling.metric ?? (() => 50))(s);
  const { maxReplicas = 6, minReplicas = 2 } = scaling;
  const limited = scaling.limited === true || s >= (scaling.limitedFrom ?? Number.POSITIVE_INFINITY);
  return [
    {
      at: at(s),
      source: 'hpa',
      name: 'erp',
      currentReplicas: ready(s),
      desiredReplicas: desired(s),
      minReplicas,
      maxReplicas,
      metric: 'cpu',
      currentValue: current,
      targetValue: 50,
      ...(scaling.metrics === undefined ? {} : { metrics: scaling.metrics(s) }),
      ...(scaling.scaler === undefined ? {} : { scaler: scaling.scaler }),
      conditions: [
        {
          type: 'ScalingActive',
          status: active(s),
          reason: active(s) === 'True' ? 'ValidMetricFound' : 'FailedGetResourceMetric',
          message: '',
        },
        {
          type: 'ScalingLimited',
          status: limited ? 'True' : 'False',
          reason: limited ? 'TooManyReplicas' : 'DesiredWithinRange',
          message: '',
        },
      ],
    },
    { at: at(s), source: 'deployment', name: 'erp', replicas: desired(s), readyReplicas: ready(s), updatedReplicas: desired(s) },
  ];
}

function usesAt(s: number, { uses }: Scaling): readonly Observation[] {
  const pods = uses?.(s) ?? [];
  return pods.length === 0 ? [] : [{ at: at(s), source: 'pod-metrics', pods }];
}

function environmentOf({ behavior, offsetMs }: Scaling): EnvironmentRecord {
  const base = anEnvironment();
  return {
    ...base,
    clockOffsets: offsetMs === undefined ? [] : [{ source: 'kubernetes', offsetMs }],
    ...(behavior === undefined
      ? {}
      : { kubernetes: { version: 'v1.34.4', context: 'c', namespace: 'n', hpa: { behavior }, hpaSyncSeconds: 5 } }),
  };
}
