/** Deployments and their ReplicaSets as the API's JSON, reduced; and the patches that change a pod template. Pure. */
import type { V1LabelSelector } from '@kubernetes/client-node';
import type { ReplicaSetView, RolloutView, TemplateChange } from './ports.ts';

type Labels = Readonly<Record<string, string>>;

interface RawMeta {
  readonly name: string;
  readonly uid: string;
  readonly generation?: number;
  readonly annotations?: Labels;
  readonly labels?: Labels;
  readonly ownerReferences?: readonly { readonly uid: string }[];
}

interface RawContainer {
  readonly name: string;
  readonly image?: string;
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly readinessProbe?: { readonly httpGet?: { readonly port?: number | string } };
}

interface RawTemplate {
  readonly metadata?: { readonly annotations?: Labels; readonly labels?: Labels };
  readonly spec: { readonly containers: readonly RawContainer[] };
}

export interface RawDeployment {
  readonly metadata: RawMeta;
  readonly spec: {
    readonly replicas?: number;
    readonly paused?: boolean;
    readonly selector: V1LabelSelector;
    readonly revisionHistoryLimit?: number;
    readonly strategy?: {
      readonly type?: string;
      readonly rollingUpdate?: { readonly maxSurge?: number | string; readonly maxUnavailable?: number | string };
    };
    readonly template: RawTemplate;
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
  };
}

export interface RawReplicaSet {
  readonly metadata: RawMeta;
  readonly spec: { readonly replicas?: number; readonly template: RawTemplate };
}

const REVISION = 'deployment.kubernetes.io/revision';
const TEMPLATE_HASH = 'pod-template-hash';

export function toRolloutView({ metadata, spec, status = {} }: RawDeployment): RolloutView {
  const progressing = status.conditions?.find(({ type }) => type === 'Progressing');
  const replicas = spec.replicas ?? 1;
  return {
    name: metadata.name,
    uid: metadata.uid,
    revision: revisionOf(metadata),
    paused: spec.paused === true,
    strategy: spec.strategy?.type ?? 'RollingUpdate',
    maxUnavailable: maxUnavailable(spec.strategy, replicas),
    revisionHistoryLimit: spec.revisionHistoryLimit ?? 10,
    replicas,
    observed: (status.observedGeneration ?? 0) >= (metadata.generation ?? 0),
    existing: status.replicas ?? 0,
    updated: status.updatedReplicas ?? 0,
    ready: status.readyReplicas ?? 0,
    available: status.availableReplicas ?? 0,
    progressing:
      progressing === undefined
        ? null
        : { status: progressing.status, reason: progressing.reason ?? '', message: progressing.message ?? '' },
    containers: spec.template.spec.containers.map(({ name, image = '', ports, readinessProbe }) => ({
      name,
      image,
      port: readinessProbe?.httpGet?.port ?? ports?.[0]?.containerPort ?? null,
    })),
  };
}

export function toReplicaSetView({ metadata, spec }: RawReplicaSet): ReplicaSetView {
  return {
    name: metadata.name,
    uid: metadata.uid,
    revision: revisionOf(metadata),
    replicas: spec.replicas ?? 1,
    images: spec.template.spec.containers.map(({ image = '' }) => image),
    annotations: spec.template.metadata?.annotations ?? {},
  };
}

function revisionOf({ annotations }: RawMeta): number | null {
  const text = annotations?.[REVISION];
  return text === undefined || !/^\d+$/.test(text) ? null : Number(text);
}

/** As the Deployment controller resolves it: surge is rounded up, unavailable down, and both zero would never move. */
function maxUnavailable(strategy: RawDeployment['spec']['strategy'], replicas: number): number {
  if (strategy?.type === 'Recreate') return replicas;
  const { maxSurge = '25%', maxUnavailable: unavailable = '25%' } = strategy?.rollingUpdate ?? {};
  const most = resolve(unavailable, replicas, Math.floor);
  return most === 0 && resolve(maxSurge, replicas, Math.ceil) === 0 ? Math.min(1, replicas) : Math.min(most, replicas);
}

function resolve(value: number | string, replicas: number, round: (value: number) => number): number {
  if (typeof value === 'number') return value;
  return round((Number.parseInt(value, 10) * replicas) / 100);
}

/** Strategic merge: containers are merged by name, and the other fields of a check go when another kind takes their place. */
export function templatePatch(change: TemplateChange): Readonly<Record<string, unknown>> {
  return { spec: { template: { metadata: { annotations: change.annotations }, ...containersPatch(change) } } };
}

function containersPatch(change: TemplateChange): Readonly<Record<string, unknown>> {
  if (change.kind === 'restart') return {};
  const { container: name } = change;
  if (change.kind === 'image') return { spec: { containers: [{ name, image: change.image }] } };
  const { path, port } = change;
  const readinessProbe = { httpGet: { path, port }, exec: null, tcpSocket: null, grpc: null };
  return { spec: { containers: [{ name, readinessProbe }] } };
}

/** Kept as they are, or made by the controller anew. Source: annotationsToSkip in kubectl's rollback. */
const ANNOTATIONS_TO_SKIP: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  'deployment.kubernetes.io/revision-history',
  'deployment.kubernetes.io/desired-replicas',
  'deployment.kubernetes.io/max-replicas',
  'deprecated.deployment.rollback.to',
]);

/** What `kubectl rollout undo` sends: the template of the ReplicaSet without its hash, and the annotations of that revision. */
export function rollbackPatch(deployment: RawDeployment, set: RawReplicaSet): readonly Readonly<Record<string, unknown>>[] {
  const { metadata = {}, ...template } = set.spec.template;
  const { [TEMPLATE_HASH]: _hash, ...labels } = metadata.labels ?? {};
  const annotations = {
    ...pick(deployment.metadata.annotations ?? {}, (name) => ANNOTATIONS_TO_SKIP.has(name)),
    ...pick(set.metadata.annotations ?? {}, (name) => !ANNOTATIONS_TO_SKIP.has(name)),
  };
  return [
    { op: 'replace', path: '/spec/template', value: { ...template, metadata: { ...metadata, labels } } },
    { op: deployment.metadata.annotations === undefined ? 'add' : 'replace', path: '/metadata/annotations', value: annotations },
  ];
}

function pick(values: Labels, wanted: (name: string) => boolean): Labels {
  return Object.fromEntries(Object.entries(values).filter(([name]) => wanted(name)));
}
