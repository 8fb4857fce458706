/** `environment.json`: what the run ran against, asked before it starts. What cannot be asked is left out, never guessed. */
import { createHash } from 'node:crypto';
import { cpus, platform, release, totalmem } from 'node:os';
import { harnessVersion } from '../clients/harness-version.ts';
import type { KubernetesPort, RedisPort, SentinelPort } from '../clients/ports.ts';
import type { Connections } from '../model/connections.ts';
import type { Plan } from '../model/plan.ts';
import type { EnvironmentRecord } from '../model/run-records.ts';
import type { Doors } from './connections.ts';
import { readClockOffsets } from './preflight.ts';

export interface EnvironmentOptions {
  readonly runId: string;
  readonly plan: Plan;
  readonly connections: Connections;
  readonly doors: Doors;
  readonly k6Version: string;
}

/** SHA-256 of the resolved plan: the same for every run of the same plan, wherever it ran. */
export function planDigest(plan: Plan): string {
  return createHash('sha256').update(JSON.stringify(plan)).digest('hex');
}

export async function describeEnvironment({
  runId,
  plan,
  connections,
  doors,
  k6Version,
}: EnvironmentOptions): Promise<EnvironmentRecord> {
  const { odoo } = connections;
  const [kubernetes, postgres, redis] = await Promise.all([
    describeKubernetes(connections, doors),
    describePostgres(doors),
    describeRedis(doors),
  ]);
  return {
    schemaVersion: 1,
    runId,
    harnessVersion: harnessVersion(),
    nodeVersion: process.versions.node,
    k6Version,
    host: { platform: `${platform()} ${release()}`, cpus: cpus().length, memoryBytes: totalmem() },
    seed: plan.seed,
    planDigest: planDigest(plan),
    target: { kind: plan.target.kind, url: odoo.url, database: odoo.database, version: await doors.odoo.version() },
    ...(kubernetes && { kubernetes }),
    ...(postgres && { postgres }),
    ...(redis && { redis }),
    clockOffsets: await readClockOffsets(doors),
  };
}

async function describeKubernetes(connections: Connections, doors: Doors): Promise<EnvironmentRecord['kubernetes']> {
  const { kubernetes } = doors.faults;
  if (kubernetes === undefined) return undefined;
  const hpaName = connections.kubernetes?.hpa;
  const hpaSyncMs = connections.kubernetes?.hpaSyncMs;
  const hpa = hpaName === undefined ? undefined : await kubernetes.fetchHpa(hpaName);
  return {
    version: await kubernetes.fetchVersion(),
    context: kubernetes.context,
    namespace: kubernetes.namespace,
    ...(hpaSyncMs !== undefined && { hpaSyncSeconds: hpaSyncMs / 1_000 }),
    ...(hpa && {
      hpa: {
        name: hpa.name,
        minReplicas: hpa.minReplicas,
        maxReplicas: hpa.maxReplicas,
        metric: hpa.metric,
        targetValue: hpa.targetValue,
        ...(hpa.metrics && { metrics: hpa.metrics.map(({ current: _, ...metric }) => metric) }),
        ...(hpa.scaler && { scaler: hpa.scaler }),
        behavior: hpa.behavior,
      },
    }),
    ...(await describeNodes(kubernetes)),
  };
}

/** Left out when nodes may not be listed: that permission is the cluster's to give, and only advice rests on it. */
async function describeNodes(kubernetes: KubernetesPort): Promise<Pick<NonNullable<EnvironmentRecord['kubernetes']>, 'nodes'>> {
  const [listed] = await Promise.allSettled([kubernetes.nodes?.fetchNodes()]);
  if (listed.status === 'rejected' || listed.value === undefined) return {};
  return { nodes: listed.value.map(({ name, allocatable }) => ({ name, ...allocatable })) };
}

async function describePostgres(doors: Doors): Promise<EnvironmentRecord['postgres']> {
  const { postgres, patroni } = doors.faults;
  if (postgres === undefined) return undefined;
  return { version: await postgres.fetchVersion(), ...(patroni && { patroni: await patroni.fetchConfig() }) };
}

async function describeRedis(doors: Doors): Promise<EnvironmentRecord['redis']> {
  const { redis, sentinel } = doors.faults;
  if (redis === undefined) return undefined;
  const info = await redis.info();
  const maxClients = Number((await redis.configGet('maxclients')) ?? Number.NaN);
  return {
    version: info.redis_version ?? info.valkey_version ?? 'unknown',
    maxMemoryBytes: Number(info.maxmemory ?? 0),
    policy: info.maxmemory_policy ?? 'unknown',
    maxClients: Number.isFinite(maxClients) ? maxClients : 0,
    ...(sentinel && { sentinel: await describeSentinel(sentinel, redis) }),
  };
}

async function describeSentinel(
  sentinel: SentinelPort,
  master: RedisPort,
): Promise<NonNullable<NonNullable<EnvironmentRecord['redis']>['sentinel']>> {
  const group = await sentinel.fetchGroup();
  return {
    group: group.name,
    sentinels: group.sentinels,
    quorum: group.quorum,
    replicas: group.replicas.length,
    downAfterMs: group.downAfterMs,
    failoverTimeoutMs: group.failoverTimeoutMs,
    minReplicasToWrite: Number((await master.configGet('min-replicas-to-write')) ?? 0),
    minReplicasMaxLagSeconds: Number((await master.configGet('min-replicas-max-lag')) ?? 0),
  };
}
