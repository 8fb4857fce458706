/** A CloudNativePG `Cluster` as this driver reads it. Pure. */
import type { ApiObject, ApiResource } from '../../src/clients/ports.ts';

export const CLUSTERS: ApiResource = { group: 'postgresql.cnpg.io', version: 'v1', plural: 'clusters' };
export const FENCED = 'cnpg.io/fencedInstances';
const HEALTHY = 'Cluster in healthy state';
const SWITCHOVER = 'Switchover in progress';

export interface CloudNativePgCluster {
  readonly name: string;
  readonly instances: number;
  readonly readyInstances: number;
  readonly currentPrimary: string;
  /** Another name than `currentPrimary`, or `pending`, while the primary changes. */
  readonly targetPrimary: string;
  readonly timeline: number;
  readonly phase: string;
  readonly phaseReason: string;
  /** Instances that the operator calls healthy, the primary among them; all by name when it does not tell. */
  readonly healthy: readonly string[];
  /** Names of fenced instances; `*`: all. */
  readonly fenced: readonly string[];
  /** The operator is told to leave this cluster alone. */
  readonly unattended: boolean;
  /** Seconds that the operator waits before it fails over. */
  readonly failoverDelaySeconds: number;
  readonly synchronous: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

export function readCluster(object: ApiObject): CloudNativePgCluster {
  const status = fields(object.status);
  const spec = fields(object.spec);
  const annotations = object.metadata?.annotations ?? {};
  const names = strings(status.instanceNames);
  const healthy = strings(fields(status.instancesStatus).healthy);
  return {
    name: object.metadata?.name ?? '',
    instances: number(status.instances) ?? number(spec.instances) ?? 0,
    readyInstances: number(status.readyInstances) ?? 0,
    currentPrimary: text(status.currentPrimary),
    targetPrimary: text(status.targetPrimary),
    timeline: number(status.timelineID) ?? 0,
    phase: text(status.phase),
    phaseReason: text(status.phaseReason),
    healthy: healthy.length > 0 ? healthy : names,
    fenced: parseFenced(annotations[FENCED]),
    unattended: annotations['cnpg.io/reconciliationLoop'] === 'disabled',
    failoverDelaySeconds: number(spec.failoverDelay) ?? 0,
    synchronous: (number(spec.minSyncReplicas) ?? 0) > 0 || fields(spec.postgresql).synchronous !== undefined,
  };
}

export function isHealthy(cluster: CloudNativePgCluster): boolean {
  return whyUnhealthy(cluster) === null;
}

/** Null: nothing is under way and every instance is ready. */
export function whyUnhealthy(cluster: CloudNativePgCluster): string | null {
  const { phase, phaseReason, instances, readyInstances, currentPrimary, targetPrimary } = cluster;
  if (phase !== HEALTHY) return `its phase is "${phase}"${phaseReason === '' ? '' : ` (${phaseReason})`}`;
  if (currentPrimary === '' || currentPrimary !== targetPrimary) {
    return `its primary changes from ${currentPrimary || 'none'} to ${targetPrimary || 'none'}`;
  }
  return readyInstances < instances ? `${readyInstances} of ${instances} instances are ready` : null;
}

export function isFenced({ fenced }: CloudNativePgCluster, instance: string): boolean {
  return fenced.includes('*') || fenced.includes(instance);
}

export function describe(cluster: CloudNativePgCluster): string {
  const { currentPrimary, timeline, phase, readyInstances, instances, fenced } = cluster;
  return `${phase}; primary ${currentPrimary}, timeline ${timeline}, ${readyInstances} of ${instances} ready${fenced.length === 0 ? '' : `, fenced ${fenced.join(', ')}`}`;
}

/** The merge patch that adds or takes away one fence and leaves those of others alone. */
export function fencePatch(cluster: CloudNativePgCluster, instance: string, fenced: boolean): Fields {
  const others = cluster.fenced.filter((name) => name !== instance);
  const list = fenced ? [...others, instance] : others;
  return { metadata: { annotations: { [FENCED]: list.length === 0 ? null : JSON.stringify(list) } } };
}

/** What `kubectl cnpg promote` writes to the status, at that time. */
export function promotionPatch(instance: string, now: number): Fields {
  return {
    status: {
      targetPrimary: instance,
      // Microseconds, as the operator itself writes them.
      targetPrimaryTimestamp: new Date(now).toISOString().replace('Z', '000Z'),
      phase: SWITCHOVER,
      phaseReason: `Switching over to ${instance}`,
    },
  };
}

function parseFenced(annotation: string | undefined): readonly string[] {
  if (annotation === undefined || annotation === '') return [];
  try {
    return strings(JSON.parse(annotation));
  } catch (error) {
    // The operator ignores what it cannot read; so no instance is fenced by it.
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
