/** A HorizontalPodAutoscaler reduced to what is judged: what it scales on, what it wants, what it says of itself. Pure. */
import type { V2HorizontalPodAutoscaler, V2MetricSpec, V2MetricStatus } from '@kubernetes/client-node';
import type { HpaMetric } from '../model/run-records.ts';
import { epochMs, formatSelector, parseQuantity } from './kubernetes-views.ts';
import type { HpaView } from './ports.ts';

/** Label that KEDA puts on the autoscaler it makes, and the name it gives it when the ScaledObject names none. */
const KEDA_LABEL = 'scaledobject.keda.sh/name';
export const KEDA_PREFIX = 'keda-hpa-';

export function toHpaView(hpa: V2HorizontalPodAutoscaler): HpaView {
  const metrics = metricsOf(hpa);
  const first = metrics[0];
  const scaler = scalerOf(hpa);
  return {
    name: hpa.metadata?.name ?? '',
    currentReplicas: hpa.status?.currentReplicas ?? 0,
    desiredReplicas: hpa.status?.desiredReplicas ?? 0,
    minReplicas: hpa.spec?.minReplicas ?? 1,
    maxReplicas: hpa.spec?.maxReplicas ?? 0,
    metric: first?.name ?? 'none',
    currentValue: first?.current ?? null,
    targetValue: first?.target ?? null,
    metrics,
    lastScaleServerAt: epochMs(hpa.status?.lastScaleTime),
    ...(scaler === null ? {} : { scaler }),
    conditions: (hpa.status?.conditions ?? []).map(({ type, status: state, reason, message }) => ({
      type,
      status: state,
      reason: reason ?? '',
      message: message ?? '',
    })),
    behavior: JSON.parse(JSON.stringify(hpa.spec?.behavior ?? {})) as Readonly<Record<string, unknown>>,
  };
}

function metricsOf(hpa: V2HorizontalPodAutoscaler): readonly HpaMetric[] {
  const specs = hpa.spec?.metrics ?? [];
  const statuses = hpa.status?.currentMetrics ?? [];
  return specs.map((spec, index) => {
    const identity = identityOf(spec);
    const same = (status: V2MetricStatus | undefined): boolean => {
      const other = status === undefined ? null : identityOf(status);
      return other !== null && other.type === identity.type && other.name === identity.name && other.of === identity.of;
    };
    // The controller writes them in the order of the spec, and leaves an entry empty that it could not read.
    const status = same(statuses[index]) ? statuses[index] : statuses.find(same);
    const part = partOf(spec);
    const targetKind = targetKindOf(part?.target?.type);
    return {
      ...identity,
      targetKind,
      target: quantityOf(part?.target, targetKind),
      current: status === undefined ? null : quantityOf(partOf(status)?.current, targetKind),
    };
  });
}

type AnyMetric = V2MetricSpec | V2MetricStatus;

interface Values {
  readonly averageUtilization?: number;
  readonly averageValue?: string;
  readonly value?: string;
}

/** The one part of a metric that its type names; its fields differ by type, and spec and status carry `target` or `current`. */
interface MetricPart {
  readonly name?: string;
  readonly container?: string;
  readonly metric?: { readonly name: string; readonly selector?: Parameters<typeof formatSelector>[0] };
  readonly describedObject?: { readonly kind: string; readonly name: string };
  readonly target?: Values & { readonly type: string };
  readonly current?: Values;
}

function partOf(metric: AnyMetric): MetricPart | undefined {
  return metric.resource ?? metric.containerResource ?? metric.pods ?? metric.object ?? metric.external;
}

function identityOf(metric: AnyMetric): Pick<HpaMetric, 'type' | 'name' | 'of'> {
  const part = partOf(metric);
  const { describedObject: object, metric: named } = part ?? {};
  const selector = named?.selector === undefined ? '' : formatSelector(named.selector);
  return {
    type: metric.type,
    name: part?.name ?? named?.name ?? metric.type,
    of: [part?.container ?? '', object === undefined ? '' : `${object.kind}/${object.name}`, selector]
      .filter((word) => word !== '')
      .join(' '),
  };
}

function targetKindOf(type: string | undefined): HpaMetric['targetKind'] {
  return type === 'AverageValue' || type === 'Value' ? type : 'Utilization';
}

/** What the target counts; null when the API gave it not, or gave no number. */
function quantityOf(values: Values | undefined, kind: HpaMetric['targetKind']): number | null {
  if (values === undefined) return null;
  if (kind === 'Utilization') return values.averageUtilization ?? null;
  const quantity = kind === 'AverageValue' ? values.averageValue : (values.value ?? values.averageValue);
  const value = quantity === undefined ? Number.NaN : parseQuantity(quantity);
  return Number.isNaN(value) ? null : value;
}

/** The object that made this autoscaler, when it is KEDA's: by owner, by label, by name. */
function scalerOf(hpa: V2HorizontalPodAutoscaler): HpaView['scaler'] | null {
  const owner = hpa.metadata?.ownerReferences?.find(({ kind }) => kind === 'ScaledObject');
  if (owner !== undefined) return { kind: owner.kind, name: owner.name };
  const label = hpa.metadata?.labels?.[KEDA_LABEL];
  if (label !== undefined && label !== '') return { kind: 'ScaledObject', name: label };
  const name = hpa.metadata?.name ?? '';
  return name.startsWith(KEDA_PREFIX) ? { kind: 'ScaledObject', name: name.slice(KEDA_PREFIX.length) } : null;
}
