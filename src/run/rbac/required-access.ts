/**
 * The permissions of the Kubernetes API that a plan uses, and what for: preflight asks for each of them, and `peakproof rbac`
 * prints roles with just these. What every authenticated account may do (read the version, ask what it may do) is not among them.
 */
import type { Access } from '../../../chaos/fault.ts';
import { faultFor } from '../../../chaos/registry.ts';
import type { Connections } from '../../model/connections.ts';
import type { Plan } from '../../model/plan.ts';

export interface RequiredAccess extends Access {
  /** Cluster-wide: the resource belongs to no namespace, or those of every namespace are asked for. */
  readonly clusterWide: boolean;
  /** `fault kill-a-worker`, `watching the pods`. */
  readonly neededFor: readonly string[];
}

/** Resources that belong to no namespace. */
const CLUSTER_SCOPED: ReadonlySet<string> = new Set(['nodes', 'namespaces', 'persistentvolumes']);
const METRICS = 'metrics.k8s.io';

/** `nodes.metrics.k8s.io`, `pods/exec`, `deployments.apps erp`: as `kubectl auth can-i` takes it. */
export function resourceName({ group, resource, subresource, name }: Access): string {
  const qualified = `${resource}${group === '' ? '' : `.${group}`}`;
  return `${qualified}${subresource === undefined ? '' : `/${subresource}`}${name === undefined ? '' : ` ${name}`}`;
}

export function requiredAccess(
  plan: Plan,
  { kubernetes, postgres, redis }: Pick<Connections, 'kubernetes' | 'postgres' | 'redis'>,
): readonly RequiredAccess[] {
  if (kubernetes === undefined) return [];
  const wanted: (readonly [need: string, access: readonly Access[]])[] = [
    ['watching the deployment', [{ verb: 'get', group: 'apps', resource: 'deployments', name: kubernetes.deployment }]],
    ['watching the pods', [{ verb: 'list', group: '', resource: 'pods' }]],
    ['watching what pods use', [{ verb: 'list', group: METRICS, resource: 'pods' }]],
    ['watching the events', [{ verb: 'list', group: '', resource: 'events' }]],
  ];
  if (kubernetes.hpa !== undefined) {
    // A name of the plan may be that of KEDA's ScaledObject, whose autoscaler is called so.
    const names = [kubernetes.hpa, `keda-hpa-${kubernetes.hpa}`];
    const get = names.map((name) => ({ verb: 'get', group: 'autoscaling', resource: 'horizontalpodautoscalers', name }));
    wanted.push(['watching the autoscaler', get]);
  }
  if (kubernetes.namespaceOnly !== true) {
    wanted.push(['watching what nodes use', [{ verb: 'list', group: METRICS, resource: 'nodes' }]]);
    wanted.push(['the free capacity of the nodes', [{ verb: 'list', group: '', resource: 'nodes' }]]);
  }
  for (const spec of plan.faults) {
    const fault = faultFor(spec.kind);
    const targets = { ...(postgres && { postgresTarget: postgres }), ...(redis && { redisTarget: redis }) };
    const access = fault.accessFor?.(spec, { kubernetes, ...targets }) ?? fault.access;
    wanted.push([`fault ${spec.id}`, access]);
    if (spec.kind === 'kubernetes/kill-pods')
      wanted.push([`fault ${spec.id}`, [{ verb: 'list', group: 'policy', resource: 'poddisruptionbudgets' }]]);
  }
  return merge(wanted);
}

/** One entry a permission. What is needed without a name, or in every namespace, covers the same with one. */
function merge(wanted: readonly (readonly [need: string, access: readonly Access[]])[]): readonly RequiredAccess[] {
  const found = new Map<string, RequiredAccess>();
  const place = (access: Access, name: string | undefined, clusterWide: boolean): string =>
    [access.verb, access.group, access.resource, access.subresource ?? '', name ?? '', clusterWide].join(' ');
  const all = wanted.flatMap(([need, list]) =>
    list.map((access) => ({
      need,
      access,
      clusterWide: access.everyNamespace === true || (CLUSTER_SCOPED.has(access.resource) && access.subresource === undefined),
    })),
  );
  const widest = new Set(all.map(({ access, clusterWide }) => place(access, access.name, clusterWide)));
  for (const { need, access, clusterWide } of all) {
    const wide = clusterWide || widest.has(place(access, undefined, true));
    const name = access.name === undefined || widest.has(place(access, undefined, wide)) ? undefined : access.name;
    const key = place(access, name, wide);
    const before = found.get(key)?.neededFor ?? [];
    const { name: _, everyNamespace: __, ...rest } = access;
    found.set(key, {
      ...rest,
      ...(name !== undefined && { name }),
      ...(wide && !CLUSTER_SCOPED.has(access.resource) && { everyNamespace: true as const }),
      clusterWide: wide,
      neededFor: before.includes(need) ? before : [...before, need],
    });
  }
  return [...found.values()];
}
