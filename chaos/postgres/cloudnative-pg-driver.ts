/**
 * CloudNativePG through its Cluster object: promotion by `status.targetPrimary` as `kubectl cnpg promote` does it, deletion of the
 * primary's pod, and a fence, which shuts the primary's server down without a failover until it is lifted.
 */
import { awaitCondition, formatSeconds } from '../../src/clients/await-condition.ts';
import { HarnessError } from '../../src/errors.ts';
import type { PostgresFailoverSpec } from '../../src/model/plan.ts';
import type { Access, FaultContext, FaultDoors, Proof } from '../fault.ts';
import { requireDoor } from '../require-door.ts';
import {
  CLUSTERS,
  type CloudNativePgCluster,
  describe,
  fencePatch,
  isFenced,
  isHealthy,
  promotionPatch,
  readCluster,
  whyUnhealthy,
} from './cloudnative-pg-cluster.ts';
import { MAX_HEALTHY_LAG_BYTES } from './cluster-health.ts';
import type { FailoverDriver, PlannedFailover } from './driver.ts';

const KIND = 'postgres/failover';
const GET_CLUSTER: Access = { verb: 'get', group: CLUSTERS.group, resource: CLUSTERS.plural };
const LIST_PODS: Access = { verb: 'list', group: '', resource: 'pods' };

export function cloudNativePgAccess(mode: PostgresFailoverSpec['mode']): readonly Access[] {
  if (mode === 'switchover') return [GET_CLUSTER, { ...GET_CLUSTER, verb: 'patch', subresource: 'status' }];
  if (mode === 'crash') return [GET_CLUSTER, LIST_PODS, { ...LIST_PODS, verb: 'delete' }];
  if (mode === 'fence') return [GET_CLUSTER, LIST_PODS, { ...GET_CLUSTER, verb: 'patch' }];
  return [GET_CLUSTER];
}

export const cloudNativePgDriver: FailoverDriver = {
  async plan(spec, doors) {
    requireMode(spec.mode);
    const kubernetes = requireDoor(doors, 'kubernetes', KIND);
    const cluster = await fetchCluster(clusterName(doors), doors);
    const place = `CloudNativePG cluster ${kubernetes.namespace}/${cluster.name}`;
    if (cluster.unattended) {
      throw refused(
        `the operator leaves ${place} alone (cnpg.io/reconciliationLoop is "disabled") and would not fail over`,
        'remove that annotation',
      );
    }
    const trouble = whyUnhealthy(cluster);
    if (trouble !== null) throw refused(`${place} is not healthy: ${trouble}`, 'repair it first: kubectl cnpg status');
    const primary = cluster.currentPrimary;
    if (isFenced(cluster, primary)) throw refused(`the primary ${primary} of ${place} is fenced already`, 'lift the fence first');
    const candidate = cluster.healthy.find((name) => name !== primary && !isFenced(cluster, name)) ?? null;
    if (spec.mode !== 'fence') {
      if (candidate === null) throw refused(`${place} has no healthy standby that could take over`, 'scale it to two instances');
      await refuseLag(place, doors);
    }
    for (const access of cloudNativePgAccess(spec.mode)) {
      if (await kubernetes.allowed(access)) continue;
      const what = `${access.verb} ${access.resource}${access.subresource === undefined ? '' : `/${access.subresource}`}`;
      throw refused(`the account may not "${what}" in ${kubernetes.namespace}`, `grant "${what}" in that namespace`);
    }
    const pod = spec.mode === 'crash' ? await findPod(primary, doors) : null;
    const ways = {
      switchover: `status.targetPrimary = ${candidate}`,
      crash: `force-deleting pod ${primary}`,
      fence: `fencing it for ${formatSeconds(spec.durationMs ?? 0)}`,
    };
    return {
      target: `primary ${primary} of ${place} (timeline ${cluster.timeline}), by ${ways[requireMode(spec.mode)]}`,
      blastRadius: `the only writable instance; ${spec.mode === 'fence' ? 'nobody takes over' : `${cluster.instances - 1} standbys before`}`,
      undo: `${spec.mode === 'fence' ? `lift the fence of ${primary}, then ` : ''}wait until the cluster is healthy with ${cluster.instances} instances ready`,
      prediction: predict(spec, cluster),
      state: {
        driver: 'cloudnative-pg',
        oldPrimary: primary,
        timeline: cluster.timeline,
        standbys: cluster.instances - 1,
        candidate,
        pod,
        command: null,
        rejoin: null,
      },
    };
  },

  prepare: async (_spec, planned, context) => ({ cluster: clusterName(context), instances: planned.standbys + 1 }),

  tellsTouch: () => true,

  async inject(spec, planned, context, { touched }) {
    const objects = requireDoor(context, 'customObjects', KIND);
    const cluster = clusterName(context);
    if (spec.mode === 'switchover') {
      const patch = promotionPatch(planned.candidate ?? '', context.clock.now());
      await objects.patch(CLUSTERS, cluster, patch, { subresource: 'status' });
      touched();
      return `status.targetPrimary of ${cluster} set to ${planned.candidate}`;
    }
    if (spec.mode === 'crash') {
      const { name = '', uid = '' } = planned.pod ?? {};
      await requireDoor(context, 'kubernetes', KIND).deletePod(name, { uid, graceSeconds: 0 });
      touched();
      return `pod ${name} deleted with grace period 0`;
    }
    const before = await fetchCluster(cluster, context);
    await objects.patch(CLUSTERS, cluster, fencePatch(before, planned.oldPrimary, true));
    touched();
    await context.clock.sleep(spec.durationMs ?? 0, { signal: context.signal });
    return `${planned.oldPrimary} fenced for ${formatSeconds(spec.durationMs ?? 0)}`;
  },

  async prove(spec, planned, context) {
    try {
      return spec.mode === 'fence' ? await proveFenced(spec, planned, context) : await proveMoved(spec, planned, context);
    } catch (error) {
      if (error instanceof HarnessError) return { proven: false, evidence: [error.message] };
      throw error;
    }
  },

  async revert(undo, doors, { timeoutMs }) {
    const name = String(undo.data.cluster);
    const instances = Number(undo.data.instances);
    const oldPrimary = String(undo.data.oldPrimary);
    const notes: string[] = [];
    try {
      const look = async (): Promise<CloudNativePgCluster> => {
        const cluster = await fetchCluster(name, doors);
        if (undo.data.mode !== 'fence' || !cluster.fenced.includes(oldPrimary)) return cluster;
        await requireDoor(doors, 'customObjects', KIND).patch(CLUSTERS, name, fencePatch(cluster, oldPrimary, false));
        notes.push(`fence of ${oldPrimary} lifted`);
        return fetchCluster(name, doors);
      };
      const cluster = await awaitCondition('cluster healthy', look, {
        until: (seen) => isHealthy(seen) && seen.readyInstances >= instances,
        describe,
        timeoutMs,
        intervalMs: 500,
        clock: doors.clock,
      });
      return { complete: true, detail: [...notes, describe(cluster)].join('; ') };
    } catch (error) {
      if (!(error instanceof HarnessError)) throw error;
      return { complete: false, detail: [...notes, `the cluster is not healthy again: ${error.message}`].join('; ') };
    }
  },
};

/** Another instance is the primary on a later timeline, and takes writes where the plan has a connection to ask. */
async function proveMoved(spec: PostgresFailoverSpec, planned: PlannedFailover, context: FaultContext): Promise<Proof> {
  const look = async () => ({ cluster: await fetchCluster(clusterName(context), context), writable: await writableAt(context) });
  const { cluster, writable } = await awaitCondition('newPrimary', look, {
    until: (seen) =>
      seen.cluster.currentPrimary !== planned.oldPrimary &&
      seen.cluster.timeline > planned.timeline &&
      seen.writable !== undefined,
    describe: (seen) =>
      `${describe(seen.cluster)}; takes writes: ${seen.writable === null ? 'not asked' : (seen.writable ?? 'no address')}`,
    timeoutMs: spec.proveWithinMs,
    clock: context.clock,
    signal: context.signal,
  });
  return {
    proven: true,
    evidence: [
      `primary was ${planned.oldPrimary}, is ${cluster.currentPrimary}`,
      `timeline was ${planned.timeline}, is ${cluster.timeline}`,
      writable === null ? 'no connection in the plan: not shown to be writable' : `${writable} takes writes`,
    ],
  };
}

/** The fence is on the object, the pod is not Ready, and nobody takes writes where the plan has a connection to ask. */
async function proveFenced(spec: PostgresFailoverSpec, planned: PlannedFailover, context: FaultContext): Promise<Proof> {
  const look = async () => {
    const [cluster, pods, writable] = await Promise.all([
      fetchCluster(clusterName(context), context),
      requireDoor(context, 'kubernetes', KIND).fetchPods(''),
      writableAt(context),
    ]);
    const ready = pods.some(({ name, ready: isReady }) => name === planned.oldPrimary && isReady);
    return { fenced: isFenced(cluster, planned.oldPrimary), ready, writable };
  };
  const { writable } = await awaitCondition('primaryFenced', look, {
    until: (seen) => seen.fenced && !seen.ready && (seen.writable === null || seen.writable === undefined),
    describe: (seen) =>
      `${planned.oldPrimary} ${seen.fenced ? 'fenced' : 'not fenced'}, ${seen.ready ? 'Ready' : 'not Ready'}; takes writes: ${seen.writable ?? 'nobody'}`,
    // After that the fence is lifted again.
    timeoutMs: Math.max(1, Math.min(spec.proveWithinMs, spec.durationMs ?? spec.proveWithinMs)),
    clock: context.clock,
    signal: context.signal,
  });
  return {
    proven: true,
    evidence: [
      `${planned.oldPrimary} is fenced and its pod not Ready`,
      writable === null ? 'no connection in the plan: not shown to take no writes' : 'nobody takes writes',
    ],
  };
}

/** Label of an address that takes writes; undefined: none does; null: the plan has none. */
async function writableAt({ postgres, postgresStandbys = [], signal }: FaultContext): Promise<string | null | undefined> {
  const members = [...postgresStandbys, ...(postgres === undefined ? [] : [postgres])];
  if (members.length === 0) return null;
  const looks = await Promise.allSettled(members.map((member) => member.isWritable({ signal })));
  signal.throwIfAborted();
  return members.find((_, index) => {
    const look = looks[index];
    return look?.status === 'fulfilled' && look.value;
  })?.label;
}

async function refuseLag(place: string, doors: FaultDoors): Promise<void> {
  if (doors.postgres === undefined) return;
  const { inRecovery, replicas } = await doors.postgres.fetchStatus();
  if (inRecovery) throw refused(`${doors.postgres.label} is a standby, not the primary`, 'give the address of the -rw service');
  const near = replicas.filter(({ state, replayLagBytes }) => state === 'streaming' && replayLagBytes <= MAX_HEALTHY_LAG_BYTES);
  // A user that may not see the details gets no rows: nothing is known then, and the operator's word counts.
  if (replicas.length === 0 || near.length > 0) return;
  const each = replicas.map(
    ({ name, state, replayLagBytes }) => `${name} ${state || 'state unknown'}, ${replayLagBytes} bytes behind`,
  );
  throw refused(
    `every standby of ${place} lags (${each.join('; ')}); at most ${MAX_HEALTHY_LAG_BYTES} bytes are allowed`,
    'wait until one has caught up',
  );
}

async function findPod(name: string, doors: FaultDoors): Promise<{ readonly name: string; readonly uid: string }> {
  const kubernetes = requireDoor(doors, 'kubernetes', KIND);
  const pod = (await kubernetes.fetchPods('')).find((candidate) => candidate.name === name && !candidate.deleting);
  if (pod === undefined) throw refused(`${kubernetes.namespace} has no pod ${name}`, 'check kubernetes.namespace of the plan');
  return { name: pod.name, uid: pod.uid };
}

async function fetchCluster(name: string, doors: FaultDoors): Promise<CloudNativePgCluster> {
  const objects = requireDoor(doors, 'customObjects', KIND);
  const object = await objects.fetch(CLUSTERS, name);
  if (object === null) {
    throw refused(`there is no CloudNativePG cluster "${name}" in ${objects.namespace}`, 'name it in postgres.cluster');
  }
  return readCluster(object);
}

function clusterName({ postgresTarget }: FaultDoors): string {
  if (postgresTarget?.driver !== 'cloudnative-pg') throw new RangeError('the plan names no CloudNativePG cluster');
  return postgresTarget.cluster;
}

function requireMode(mode: PostgresFailoverSpec['mode']): 'switchover' | 'crash' | 'fence' {
  if (mode === 'switchover' || mode === 'crash' || mode === 'fence') return mode;
  throw refused(
    `${KIND} in mode ${mode} is not for driver cloudnative-pg${mode === 'failover' ? ': its operator has no forced failover' : ''}`,
    "use switchover (promotion), crash (the primary's pod is deleted) or fence",
  );
}

function predict({ mode, durationMs = 0 }: PostgresFailoverSpec, cluster: CloudNativePgCluster): string {
  const loss = cluster.synchronous
    ? 'synchronous: no acknowledged write may be lost'
    : 'asynchronous: the last acknowledged writes may be lost';
  if (mode === 'switchover')
    return 'planned: the old primary is shut down first (spec.switchoverDelay), so no acknowledged write may be lost';
  if (mode === 'fence')
    return `no failover: nobody takes writes for ${formatSeconds(durationMs)} and until the same server has started again`;
  return `the operator promotes the standby that is furthest after spec.failoverDelay (${cluster.failoverDelaySeconds} s); ${loss}`;
}

function refused(message: string, hint: string): HarnessError {
  return new HarnessError('ERR_FAULT_UNSUPPORTED', message, { hint });
}
