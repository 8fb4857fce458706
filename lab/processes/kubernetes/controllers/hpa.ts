/** Runs the autoscalers: gathers what `decideReplicas` needs, applies what it decides, writes the status. */
import { timestamp } from '../clock.ts';
import { referenceTo } from '../events.ts';
import type { UsageMetrics } from '../metrics.ts';
import { type Condition, type Deployment, type Hpa, type Pod, withCondition } from '../objects.ts';
import { formatMilliCpu, parseMilliCpu } from '../quantity.ts';
import { matchesLabels } from '../selectors.ts';
import { emptyMemory, type HpaMemory, rememberScale, resolveBehavior } from './behavior.ts';
import type { ControllerContext } from './context.ts';
import { type Decision, decideReplicas, type HpaTiming } from './decide-replicas.ts';
import type { HpaPod, PodSample } from './utilization.ts';

export interface HpaControllerOptions {
  readonly context: ControllerContext;
  readonly metrics: UsageMetrics;
  readonly timing: HpaTiming;
  /** Sabotage: the decision is recorded, the Deployment stays as it is. */
  readonly ignoreScaleUp: boolean;
}

const component = 'horizontal-pod-autoscaler';

export class HpaController {
  readonly #options: HpaControllerOptions;
  readonly #memories = new Map<string, HpaMemory>();

  constructor(options: HpaControllerOptions) {
    this.#options = options;
  }

  sync(): void {
    const hpas = this.#options.context.store.list('horizontalpodautoscalers');
    const alive = new Set(hpas.map((hpa) => hpa.metadata.uid));
    for (const uid of this.#memories.keys()) if (!alive.has(uid)) this.#memories.delete(uid);
    for (const hpa of hpas) this.#reconcile(hpa);
  }

  #reconcile(hpa: Hpa): void {
    const { context, metrics, timing } = this.#options;
    const { scaleTargetRef: target } = hpa.spec;
    const deployment =
      target.kind === 'Deployment' ? context.store.get('deployments', hpa.metadata.namespace, target.name) : undefined;
    if (deployment === undefined) {
      this.#targetMissing(hpa);
      return;
    }
    const metric = hpa.spec.metrics[0];
    const targetUtilization = metric?.resource?.target.averageUtilization;
    if (hpa.spec.metrics.length !== 1 || metric?.resource?.name !== 'cpu' || targetUtilization === undefined) {
      this.#unsupportedMetric(hpa);
      return;
    }
    const pods = context.store
      .list('pods', hpa.metadata.namespace)
      .filter((pod) => matchesLabels(pod.metadata.labels, deployment.spec.selector.matchLabels));
    const decision = decideReplicas({
      nowMs: context.clock.now(),
      currentReplicas: deployment.spec.replicas,
      minReplicas: hpa.spec.minReplicas,
      maxReplicas: hpa.spec.maxReplicas,
      targetUtilization,
      ...(hpa.spec.behavior === undefined ? {} : { behavior: hpa.spec.behavior }),
      timing,
      pods: pods.map(viewOf),
      samples: metrics.available ? samplesOf(pods, metrics) : null,
      memory: this.#memories.get(hpa.metadata.uid) ?? emptyMemory,
    });
    this.#apply(hpa, deployment, decision);
  }

  #apply(hpa: Hpa, deployment: Deployment, decision: Decision): void {
    const { context, ignoreScaleUp, timing } = this.#options;
    const from = deployment.spec.replicas;
    const to = decision.desiredReplicas;
    const ignored = decision.rescale && to > from && ignoreScaleUp;
    let memory = decision.memory;
    if (decision.rescale && !ignored) {
      scaleDeployment(context, deployment, to);
      memory = rememberScale(memory, from, to, resolveBehavior(hpa.spec.behavior, timing.tolerance), context.clock.now());
    }
    this.#memories.set(hpa.metadata.uid, memory);
    // An ignored decision is announced once per size, not at every sync.
    if (decision.rescale && !(ignored && hpa.status.desiredReplicas === to)) {
      const message = `New size: ${to}; reason: ${decision.rescaleReason}`;
      context.events.record({ involved: referenceTo(hpa), type: 'Normal', reason: 'SuccessfulRescale', message, component });
    }
    if (decision.warning !== null) {
      context.events.record({ involved: referenceTo(hpa), type: 'Warning', ...decision.warning, component });
      context.events.record({
        involved: referenceTo(hpa),
        type: 'Warning',
        reason: 'FailedComputeMetricsReplicas',
        message: `invalid metrics (1 invalid out of 1), first error is: ${decision.warning.message}`,
        component,
      });
    }
    this.#writeStatus(hpa, from, decision);
  }

  #writeStatus(hpa: Hpa, currentReplicas: number, decision: Decision): void {
    const { store, clock } = this.#options.context;
    const now = timestamp(clock.now());
    store.mutate('horizontalpodautoscalers', hpa, (current) => {
      let conditions: readonly Condition[] = current.status.conditions ?? [];
      for (const condition of decision.conditions) conditions = withCondition(conditions, condition, now);
      if (decision.rescale) {
        const message = `the HPA controller was able to update the target scale to ${decision.desiredReplicas}`;
        conditions = withCondition(conditions, { type: 'AbleToScale', status: 'True', reason: 'SucceededRescale', message }, now);
      }
      const { lastScaleTime } = current.status;
      return {
        ...current,
        status: {
          ...(current.metadata.generation === undefined ? {} : { observedGeneration: current.metadata.generation }),
          ...(decision.rescale ? { lastScaleTime: now } : lastScaleTime === undefined ? {} : { lastScaleTime }),
          currentReplicas,
          // Without a metric the last wish stands, as the controller leaves it.
          desiredReplicas: decision.warning === null ? decision.desiredReplicas : current.status.desiredReplicas,
          currentMetrics: decision.current === null ? null : [metricStatus(decision.current)],
          conditions,
        },
      };
    });
  }

  #targetMissing(hpa: Hpa): void {
    const { kind, name } = hpa.spec.scaleTargetRef;
    const message = `${kind.toLowerCase()}s.apps "${name}" not found`;
    this.#fail(hpa, 'FailedGetScale', message, {
      type: 'AbleToScale',
      status: 'False',
      reason: 'FailedGetScale',
      message: `the HPA controller was unable to get the target's current scale: ${message}`,
    });
  }

  #unsupportedMetric(hpa: Hpa): void {
    const message = 'the lab scales on one metric only: the average utilization of cpu';
    this.#fail(hpa, 'InvalidMetricSourceType', message, {
      type: 'ScalingActive',
      status: 'False',
      reason: 'InvalidMetricSourceType',
      message: `the HPA was unable to compute the replica count: ${message}`,
    });
  }

  #fail(hpa: Hpa, reason: string, message: string, condition: Omit<Condition, 'lastTransitionTime'>): void {
    const { store, clock, events } = this.#options.context;
    events.record({ involved: referenceTo(hpa), type: 'Warning', reason, message, component });
    store.mutate('horizontalpodautoscalers', hpa, (current) => ({
      ...current,
      status: {
        ...current.status,
        conditions: withCondition(current.status.conditions ?? [], condition, timestamp(clock.now())),
      },
    }));
  }
}

export function scaleDeployment(context: Pick<ControllerContext, 'store'>, deployment: Deployment, replicas: number): void {
  context.store.mutate('deployments', deployment, (current) => ({
    ...current,
    metadata: { ...current.metadata, generation: (current.metadata.generation ?? 1) + 1 },
    spec: { ...current.spec, replicas },
  }));
}

function viewOf(pod: Pod): HpaPod {
  const ready = pod.status.conditions.find((condition) => condition.type === 'Ready');
  return {
    name: pod.metadata.name,
    phase: pod.status.phase,
    deleting: pod.metadata.deletionTimestamp !== undefined,
    startedAt: pod.status.startTime === undefined ? null : Date.parse(pod.status.startTime),
    ready: ready === undefined ? null : { status: ready.status === 'True', changedAt: Date.parse(ready.lastTransitionTime) },
    requestMilli: pod.spec.containers.reduce((sum, container) => sum + parseMilliCpu(container.resources?.requests?.cpu), 0),
  };
}

function samplesOf(pods: readonly Pod[], metrics: UsageMetrics): ReadonlyMap<string, PodSample> {
  const samples = new Map<string, PodSample>();
  for (const pod of pods) {
    const sample = metrics.usageOf(pod);
    if (sample !== undefined) samples.set(pod.metadata.name, sample);
  }
  return samples;
}

function metricStatus(current: { readonly utilization: number; readonly averageMilli: number }): object {
  return {
    type: 'Resource',
    resource: {
      name: 'cpu',
      current: { averageUtilization: current.utilization, averageValue: formatMilliCpu(current.averageMilli) },
    },
  };
}
