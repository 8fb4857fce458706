/** Checks objects that clients write, as far as the controllers rely on them. */
import { isObject, sameJson, valueAt } from './json.ts';
import type { KubeObject, StoredResource } from './objects.ts';
import { parseMilliCpu } from './quantity.ts';
import { matchesLabels } from './selectors.ts';
import { ApiError } from './status.ts';

interface Cause {
  readonly field: string;
  readonly message: string;
}

export function requireValid(resource: StoredResource, object: KubeObject, previous: KubeObject | null): void {
  const causes = [...metadataCauses(object), ...causesOf(resource, object, previous)];
  if (causes.length > 0) throw ApiError.invalid(object.kind, object.metadata.name, causes);
}

function causesOf(resource: StoredResource, object: KubeObject, previous: KubeObject | null): readonly Cause[] {
  switch (resource) {
    case 'pods':
      return sameJson(valueAt(object, 'spec'), valueAt(previous, 'spec'))
        ? []
        : [{ field: 'spec', message: 'Forbidden: the lab allows changes of labels and annotations of a pod only' }];
    case 'deployments':
    case 'statefulsets':
      return workloadCauses(object, previous);
    case 'horizontalpodautoscalers':
      return hpaCauses(object);
    case 'nodes':
      return nodeCauses(object);
    default:
      return [];
  }
}

/** Labels and annotations are maps of strings. */
export function requireMetadata(object: KubeObject): void {
  const causes = metadataCauses(object);
  if (causes.length > 0) throw ApiError.invalid(object.kind, object.metadata.name, causes);
}

function nodeCauses(object: KubeObject): readonly Cause[] {
  const value = valueAt(object, 'spec.unschedulable');
  return value === undefined || typeof value === 'boolean'
    ? []
    : [{ field: 'spec.unschedulable', message: 'Invalid value: must be a boolean' }];
}

function metadataCauses(object: KubeObject): readonly Cause[] {
  return (['labels', 'annotations'] as const).flatMap((field) => {
    const value: unknown = object.metadata[field];
    const fine = value === undefined || (isObject(value) && Object.values(value).every((entry) => typeof entry === 'string'));
    return fine ? [] : [{ field: `metadata.${field}`, message: 'Invalid value: must be a map of strings' }];
  });
}

function workloadCauses(object: KubeObject, previous: KubeObject | null): readonly Cause[] {
  const causes: Cause[] = [];
  const replicas = valueAt(object, 'spec.replicas');
  if (!isCount(replicas)) causes.push(notCount('spec.replicas', replicas, 0));
  const selector = valueAt(object, 'spec.selector');
  if (!sameJson(selector, valueAt(previous, 'spec.selector'))) {
    causes.push({ field: 'spec.selector', message: `Invalid value: ${JSON.stringify(selector)}: field is immutable` });
  }
  const labels = valueAt(object, 'spec.template.metadata.labels');
  const wanted = valueAt(previous, 'spec.selector.matchLabels');
  if (!isStringMap(labels) || !isStringMap(wanted) || !matchesLabels(labels, wanted)) {
    causes.push({ field: 'spec.template.metadata.labels', message: '`selector` does not match template `labels`' });
  }
  if (valueAt(object, 'kind') === 'Deployment' && typeof valueAt(object, 'spec.strategy.type') !== 'string') {
    causes.push({ field: 'spec.strategy', message: 'Required value: an object with a type' });
  }
  const grace = valueAt(object, 'spec.template.spec.terminationGracePeriodSeconds');
  if (grace !== undefined && !isCount(grace)) causes.push(notCount('spec.template.spec.terminationGracePeriodSeconds', grace, 0));
  const containers = valueAt(object, 'spec.template.spec.containers');
  const named = Array.isArray(containers) && containers.length === 1 && sameContainer(containers[0], previous);
  if (!named) {
    causes.push({ field: 'spec.template.spec.containers', message: 'Forbidden: the lab runs exactly its own container' });
  } else {
    const probe = valueAt(containers[0], 'readinessProbe');
    if (probe !== undefined && !isObject(valueAt(probe, 'httpGet'))) {
      causes.push({
        field: 'spec.template.spec.containers[0].readinessProbe',
        message: 'Forbidden: the lab runs httpGet checks only',
      });
    }
    const cpu = valueAt(containers[0], 'resources.requests.cpu');
    if (cpu !== undefined && (typeof cpu !== 'string' || Number.isNaN(parseMilliCpu(cpu)))) {
      causes.push({ field: 'spec.template.spec.containers[0].resources.requests.cpu', message: 'Invalid value: not a quantity' });
    }
  }
  return causes;
}

function sameContainer(container: unknown, previous: KubeObject | null): boolean {
  const before = valueAt(previous, 'spec.template.spec.containers');
  const name = Array.isArray(before) ? valueAt(before[0], 'name') : undefined;
  return valueAt(container, 'name') === name && typeof valueAt(container, 'image') === 'string';
}

function hpaCauses(object: KubeObject): readonly Cause[] {
  const causes: Cause[] = [];
  const [min, max] = [valueAt(object, 'spec.minReplicas'), valueAt(object, 'spec.maxReplicas')];
  if (!isCount(min) || min < 1) causes.push(notCount('spec.minReplicas', min, 1));
  if (!isCount(max) || max < 1) causes.push(notCount('spec.maxReplicas', max, 1));
  else if (isCount(min) && max < min) {
    causes.push({
      field: 'spec.maxReplicas',
      message: `Invalid value: ${max}: must be greater than or equal to \`minReplicas\``,
    });
  }
  if (
    typeof valueAt(object, 'spec.scaleTargetRef.name') !== 'string' ||
    typeof valueAt(object, 'spec.scaleTargetRef.kind') !== 'string'
  ) {
    causes.push({ field: 'spec.scaleTargetRef', message: 'Required value: kind and name' });
  }
  const metrics = valueAt(object, 'spec.metrics');
  if (!Array.isArray(metrics) || !metrics.every(isMetric)) {
    causes.push({
      field: 'spec.metrics',
      message: 'Invalid value: must be a list of metrics with a type and a target above zero',
    });
  }
  for (const direction of ['scaleUp', 'scaleDown']) causes.push(...rulesCauses(object, `spec.behavior.${direction}`));
  return causes;
}

function isMetric(metric: unknown): boolean {
  const utilization = valueAt(metric, 'resource.target.averageUtilization');
  return typeof valueAt(metric, 'type') === 'string' && (utilization === undefined || (isCount(utilization) && utilization > 0));
}

function rulesCauses(object: KubeObject, field: string): readonly Cause[] {
  const rules = valueAt(object, field);
  if (rules === undefined) return [];
  const causes: Cause[] = [];
  const window = valueAt(rules, 'stabilizationWindowSeconds');
  if (window !== undefined && (!isCount(window) || window > 3600)) {
    causes.push({ field: `${field}.stabilizationWindowSeconds`, message: 'Invalid value: must be between 0 and 3600' });
  }
  const tolerance = valueAt(rules, 'tolerance');
  if (tolerance !== undefined && !(Number(tolerance) >= 0)) {
    causes.push({ field: `${field}.tolerance`, message: 'Invalid value: must be a number of 0 or more' });
  }
  const select = valueAt(rules, 'selectPolicy');
  if (select !== undefined && select !== 'Max' && select !== 'Min' && select !== 'Disabled') {
    causes.push({ field: `${field}.selectPolicy`, message: 'Unsupported value: supported values: "Disabled", "Max", "Min"' });
  }
  const policies = valueAt(rules, 'policies');
  if (policies === undefined) return causes;
  const entries: readonly unknown[] = Array.isArray(policies) ? policies : [];
  if (entries.length === 0)
    causes.push({ field: `${field}.policies`, message: 'Required value: must specify at least one Policy' });
  entries.forEach((policy, index) => {
    const [type, value, period] = ['type', 'value', 'periodSeconds'].map((key) => valueAt(policy, key));
    const fine =
      (type === 'Pods' || type === 'Percent') && isCount(value) && value > 0 && isCount(period) && period > 0 && period <= 1800;
    if (!fine) {
      causes.push({
        field: `${field}.policies[${index}]`,
        message: 'Invalid value: type is Pods or Percent, value is above zero, periodSeconds between 1 and 1800',
      });
    }
  });
  return causes;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

function isStringMap(value: unknown): value is Readonly<Record<string, string>> {
  return isObject(value) && Object.values(value).every((entry) => typeof entry === 'string');
}

function notCount(field: string, value: unknown, least: number): Cause {
  return { field, message: `Invalid value: ${JSON.stringify(value)}: must be an integer greater than or equal to ${least}` };
}
