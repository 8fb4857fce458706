/**
 * First half of the HPA's decision: how many replicas the metric asks for.
 * Source of the rules: Kubernetes documentation "Horizontal Pod Autoscaling, Algorithm details" (replica calculator of the controller).
 */
export interface HpaPod {
  readonly name: string;
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  readonly deleting: boolean;
  readonly startedAt: number | null;
  /** The Ready condition; null when there is none yet. */
  readonly ready: { readonly status: boolean; readonly changedAt: number } | null;
  /** CPU request, thousandths of a core. */
  readonly requestMilli: number;
}

export interface PodSample {
  readonly milli: number;
  readonly sampledAt: number;
  readonly windowMs: number;
}

export interface UtilizationInput {
  readonly nowMs: number;
  readonly currentReplicas: number;
  /** Percent of the request. */
  readonly targetUtilization: number;
  readonly scaleUpTolerance: number;
  readonly scaleDownTolerance: number;
  /** After a pod's start, how long a sample counts only when it was taken a whole window after the pod turned Ready. */
  readonly cpuInitializationPeriodMs: number;
  readonly initialReadinessDelayMs: number;
  readonly pods: readonly HpaPod[];
  readonly samples: ReadonlyMap<string, PodSample>;
}

export type UtilizationOutcome =
  | { readonly ok: true; readonly replicas: number; readonly utilization: number; readonly averageMilli: number }
  | { readonly ok: false; readonly message: string };

interface PodGroups {
  readonly counted: readonly HpaPod[];
  readonly notReady: readonly HpaPod[];
  readonly missing: readonly HpaPod[];
}

export function replicasForUtilization(input: UtilizationInput): UtilizationOutcome {
  if (input.samples.size === 0)
    return failure('unable to get metrics for resource cpu: no metrics returned from resource metrics API');
  if (input.pods.length === 0) return failure('no pods returned by selector while calculating replica count');
  const groups = groupPods(input);
  if (groups.counted.length === 0) return failure('did not receive metrics for any ready pods');
  const withoutRequest = input.pods.find((pod) => pod.requestMilli <= 0);
  if (withoutRequest !== undefined)
    return failure(`failed to get cpu utilization: missing request for cpu of Pod ${withoutRequest.name}`);

  const usage = groups.counted.map((pod) => ({ milli: input.samples.get(pod.name)?.milli ?? 0, requestMilli: pod.requestMilli }));
  const first = ratio(usage, input.targetUtilization);
  const answer = (replicas: number): UtilizationOutcome => ({
    ok: true,
    replicas,
    utilization: first.utilization,
    averageMilli: Math.trunc(usage.reduce((sum, entry) => sum + entry.milli, 0) / usage.length),
  });

  const fillNotReady = groups.notReady.length > 0 && first.ratio > 1;
  if (!fillNotReady && groups.missing.length === 0) {
    if (withinTolerance(first.ratio, input)) return answer(input.currentReplicas);
    return answer(Math.ceil(first.ratio * groups.counted.length));
  }

  // Missing pods count as busy when going down and as idle when going up, so that neither direction is overdone.
  const fallback = Math.max(100, input.targetUtilization) / 100;
  const missing =
    first.ratio === 1
      ? []
      : groups.missing.map((pod) => ({
          milli: first.ratio < 1 ? pod.requestMilli * fallback : 0,
          requestMilli: pod.requestMilli,
        }));
  const idle = fillNotReady ? groups.notReady.map((pod) => ({ milli: 0, requestMilli: pod.requestMilli })) : [];
  const all = [...usage, ...missing, ...idle];
  const second = ratio(all, input.targetUtilization);
  const turned = (first.ratio < 1 && second.ratio > 1) || (first.ratio > 1 && second.ratio < 1);
  if (withinTolerance(second.ratio, input) || turned) return answer(input.currentReplicas);
  const replicas = Math.ceil(second.ratio * all.length);
  const opposite =
    (second.ratio < 1 && replicas > input.currentReplicas) || (second.ratio > 1 && replicas < input.currentReplicas);
  return answer(opposite ? input.currentReplicas : replicas);
}

function groupPods(input: UtilizationInput): PodGroups {
  const counted: HpaPod[] = [];
  const notReady: HpaPod[] = [];
  const missing: HpaPod[] = [];
  for (const pod of input.pods) {
    if (pod.deleting || pod.phase === 'Failed') continue;
    const sample = input.samples.get(pod.name);
    if (pod.phase === 'Pending') notReady.push(pod);
    else if (sample === undefined) missing.push(pod);
    else if (isNotReady(pod, sample, input)) notReady.push(pod);
    else counted.push(pod);
  }
  return { counted, notReady, missing };
}

function isNotReady(pod: HpaPod, sample: PodSample, input: UtilizationInput): boolean {
  if (pod.ready === null || pod.startedAt === null) return true;
  if (pod.startedAt + input.cpuInitializationPeriodMs > input.nowMs) {
    return !pod.ready.status || sample.sampledAt < pod.ready.changedAt + sample.windowMs;
  }
  return !pod.ready.status && pod.startedAt + input.initialReadinessDelayMs > pod.ready.changedAt;
}

/** The controller truncates the utilisation to whole percent before it divides. */
function ratio(
  usage: readonly { readonly milli: number; readonly requestMilli: number }[],
  targetUtilization: number,
): { readonly ratio: number; readonly utilization: number } {
  const used = usage.reduce((sum, entry) => sum + entry.milli, 0);
  const requested = usage.reduce((sum, entry) => sum + entry.requestMilli, 0);
  const utilization = Math.trunc((used * 100) / requested);
  return { ratio: utilization / targetUtilization, utilization };
}

function withinTolerance(value: number, input: UtilizationInput): boolean {
  return 1 - input.scaleDownTolerance <= value && value <= 1 + input.scaleUpTolerance;
}

function failure(message: string): UtilizationOutcome {
  return { ok: false, message };
}
