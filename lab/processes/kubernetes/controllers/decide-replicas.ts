/** One decision of the Horizontal Pod Autoscaler, as a pure function of what it can see and remembers. */
import type { HpaBehavior } from '../objects.ts';
import { emptyMemory, type HpaMemory, limitRate, resolveBehavior, stabilize } from './behavior.ts';
import { type HpaPod, type PodSample, replicasForUtilization } from './utilization.ts';

export interface HpaTiming {
  /** Default of kube-controller-manager: 0.1. */
  readonly tolerance: number;
  /** Default: 5 min. */
  readonly cpuInitializationPeriodMs: number;
  /** Default: 30 s. */
  readonly initialReadinessDelayMs: number;
}

export const defaultTiming: HpaTiming = {
  tolerance: 0.1,
  cpuInitializationPeriodMs: 300_000,
  initialReadinessDelayMs: 30_000,
};

export interface DecideInput {
  readonly nowMs: number;
  /** `spec.replicas` of the scale target. */
  readonly currentReplicas: number;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** Percent of the CPU request. */
  readonly targetUtilization: number;
  readonly behavior?: HpaBehavior;
  readonly timing?: HpaTiming;
  readonly pods: readonly HpaPod[];
  /** Null: the metrics API is not there. */
  readonly samples: ReadonlyMap<string, PodSample> | null;
  readonly memory?: HpaMemory;
}

export interface DecidedCondition {
  readonly type: 'AbleToScale' | 'ScalingActive' | 'ScalingLimited';
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

export interface Decision {
  readonly desiredReplicas: number;
  /** The scale target is to be changed to `desiredReplicas`. */
  readonly rescale: boolean;
  /** For the event: `cpu resource utilization (percentage of request) above target`. */
  readonly rescaleReason: string;
  readonly conditions: readonly DecidedCondition[];
  readonly current: { readonly utilization: number; readonly averageMilli: number } | null;
  /** A warning event to record: reason and message. */
  readonly warning: { readonly reason: string; readonly message: string } | null;
  /** `rememberScale` must be applied on top when the rescale succeeded. */
  readonly memory: HpaMemory;
}

const metricName = 'cpu resource utilization (percentage of request)';

export function decideReplicas(input: DecideInput): Decision {
  const memory = input.memory ?? emptyMemory;
  const ableToScale: DecidedCondition = {
    type: 'AbleToScale',
    status: 'True',
    reason: 'SucceededGetScale',
    message: "the HPA controller was able to get the target's current scale",
  };
  const plain = { current: null, warning: null, memory } as const;
  if (input.currentReplicas === 0 && input.minReplicas !== 0) {
    const message = 'scaling is disabled since the replica count of the target is zero';
    const disabled: DecidedCondition = { type: 'ScalingActive', status: 'False', reason: 'ScalingDisabled', message };
    return { ...plain, desiredReplicas: 0, rescale: false, rescaleReason: '', conditions: [ableToScale, disabled] };
  }
  if (input.currentReplicas > input.maxReplicas) {
    const rescaleReason = 'Current number of replicas above Spec.MaxReplicas';
    return { ...plain, desiredReplicas: input.maxReplicas, rescale: true, rescaleReason, conditions: [ableToScale] };
  }
  if (input.currentReplicas < input.minReplicas) {
    const rescaleReason = 'Current number of replicas below Spec.MinReplicas';
    return { ...plain, desiredReplicas: input.minReplicas, rescale: true, rescaleReason, conditions: [ableToScale] };
  }
  return decideFromMetric(input, memory, ableToScale);
}

function decideFromMetric(input: DecideInput, memory: HpaMemory, ableToScale: DecidedCondition): Decision {
  const timing = input.timing ?? defaultTiming;
  const behavior = resolveBehavior(input.behavior, timing.tolerance);
  const { currentReplicas: current, nowMs } = input;
  const metric =
    input.samples === null
      ? {
          ok: false as const,
          message:
            'unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)',
        }
      : replicasForUtilization({
          ...timing,
          nowMs,
          currentReplicas: current,
          targetUtilization: input.targetUtilization,
          scaleUpTolerance: behavior.scaleUp.tolerance,
          scaleDownTolerance: behavior.scaleDown.tolerance,
          pods: input.pods,
          samples: input.samples,
        });
  if (!metric.ok) {
    const message = `failed to get cpu utilization: ${metric.message}`;
    return {
      desiredReplicas: current,
      rescale: false,
      rescaleReason: '',
      conditions: [
        ableToScale,
        {
          type: 'ScalingActive',
          status: 'False',
          reason: 'FailedGetResourceMetric',
          message: `the HPA was unable to compute the replica count: ${message}`,
        },
      ],
      current: null,
      warning: { reason: 'FailedGetResourceMetric', message },
      memory,
    };
  }

  const stable = stabilize(metric.replicas, current, behavior, memory, nowMs);
  const limited = limitRate(stable.replicas, current, input, behavior, memory, nowMs);
  const rescale = limited.replicas !== current;
  return {
    desiredReplicas: limited.replicas,
    rescale,
    rescaleReason: limited.replicas > current ? `${metricName} above target` : 'All metrics below target',
    conditions: [
      stable.replicas === metric.replicas
        ? {
            type: 'AbleToScale',
            status: 'True',
            reason: 'ReadyForNewScale',
            message: 'recommended size matches current size',
          }
        : { type: 'AbleToScale', status: 'True', reason: stable.reason, message: stable.message },
      {
        type: 'ScalingActive',
        status: 'True',
        reason: 'ValidMetricFound',
        message: `the HPA was able to successfully calculate a replica count from ${metricName}`,
      },
      {
        type: 'ScalingLimited',
        status: limited.replicas === stable.replicas ? 'False' : 'True',
        reason: limited.reason,
        message: limited.message,
      },
    ],
    current: { utilization: metric.utilization, averageMilli: metric.averageMilli },
    warning: null,
    memory: { ...memory, recommendations: stable.recommendations },
  };
}
