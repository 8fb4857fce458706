/** What has to be true before a lab on Kubernetes is handed over. */
import { request } from 'node:http';
import { Redis } from 'ioredis';
import { LabError } from '../processes/lab-error.ts';
import { awaitCondition } from '../processes/wait.ts';
import { type Cluster, orNull } from './cluster.ts';

/** Each on a busy machine with two cores; a usual bring-up is over in a minute. */
const WAITS = { database: 180_000, redis: 120_000, migrated: 180_000, erp: 120_000, metrics: 120_000 } as const;

interface Waiting {
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

export interface Addresses {
  readonly ingress: string;
  readonly patroniUrls: readonly string[];
  readonly sentinelUrls: readonly string[];
  readonly sentinelMaster: string;
}

/** Waits, step by step; each step says what it still sees when its time is over. */
export async function awaitLab(
  cluster: Cluster,
  namespace: string,
  addresses: Addresses,
  { workersMin, signal, progress }: Waiting & { readonly workersMin: number },
): Promise<void> {
  const every = { everyMs: 500, signal };
  await awaitCondition('PostgreSQL: a primary and two standbys', () => lookAtPatroni(cluster, namespace, addresses.patroniUrls), {
    timeoutMs: WAITS.database,
    ...every,
  });
  progress('PostgreSQL has a primary and two standbys');
  await awaitCondition('Redis: three Sentinels that agree', () => lookAtSentinels(addresses), {
    timeoutMs: WAITS.redis,
    ...every,
  });
  progress('Redis has a master, two replicas and three Sentinels');
  await awaitCondition('the migration of the ERP', () => lookAtMigration(cluster, namespace), {
    timeoutMs: WAITS.migrated,
    ...every,
  });
  progress('the database is migrated');
  await awaitCondition(`${workersMin} ERP workers to be ready`, () => lookAtWorkers(cluster, namespace, workersMin), {
    timeoutMs: WAITS.erp,
    ...every,
  });
  await awaitCondition('the ERP to answer through the ingress', () => answersOk(`${addresses.ingress}/web/health`), {
    timeoutMs: WAITS.erp,
    ...every,
  });
  progress('the ERP answers; waiting for the first metrics');
  await awaitCondition('the autoscaler to have metrics', () => lookAtAutoscaler(cluster, namespace), {
    timeoutMs: WAITS.metrics,
    ...every,
  });
}

interface PatroniMember {
  readonly name: string;
  readonly role: string;
  readonly state: string;
}

async function lookAtPatroni(cluster: Cluster, namespace: string, urls: readonly string[]): Promise<true> {
  const answers = await Promise.allSettled(urls.map((url) => fetchJson(`${url}/cluster`)));
  const answer = answers.find((each) => each.status === 'fulfilled');
  if (answer === undefined) throw new LabError(`no member answers; ${await describePods(cluster, namespace, 'app=postgres')}`);
  const { members } = answer.value as { readonly members: readonly PatroniMember[] };
  const healthy = members.filter(({ state }) => state === 'running' || state === 'streaming');
  const told = members.map(({ name, role, state }) => `${name}: ${role}, ${state}`).join('; ');
  if (healthy.length < urls.length || !members.some(({ role }) => role === 'leader')) throw new LabError(told);
  return true;
}

async function lookAtSentinels({ sentinelUrls, sentinelMaster }: Addresses): Promise<true> {
  const views = await Promise.all(sentinelUrls.map((url) => fetchSentinelView(url, sentinelMaster)));
  const wrong = views.findIndex(({ others, replicas }) => others !== sentinelUrls.length - 1 || replicas !== 2);
  if (wrong >= 0)
    throw new LabError(`Sentinel ${wrong} sees ${views[wrong]?.others} others and ${views[wrong]?.replicas} replicas`);
  return true;
}

async function fetchSentinelView(url: string, master: string): Promise<{ readonly others: number; readonly replicas: number }> {
  const client = new Redis(url, { lazyConnect: true, connectTimeout: 2_000, commandTimeout: 2_000, retryStrategy: () => null });
  // The rejected call tells.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const fields = (await client.call('SENTINEL', 'MASTER', master)) as readonly string[];
    const number = (name: string): number => Number(fields[fields.indexOf(name) + 1]);
    return { others: number('num-other-sentinels'), replicas: number('num-slaves') };
  } finally {
    client.disconnect();
  }
}

async function lookAtMigration({ batch }: Cluster, namespace: string): Promise<true> {
  const job = await batch.readNamespacedJob({ name: 'erp-migrate', namespace });
  if ((job.status?.succeeded ?? 0) > 0) return true;
  throw new LabError(`job erp-migrate: ${job.status?.active ?? 0} active, ${job.status?.failed ?? 0} failed`);
}

async function lookAtWorkers(cluster: Cluster, namespace: string, wanted: number): Promise<true> {
  const deployment = await cluster.apps.readNamespacedDeployment({ name: 'erp', namespace });
  const ready = deployment.status?.readyReplicas ?? 0;
  if (ready >= wanted) return true;
  throw new LabError(`${ready} of ${wanted} ready; ${await describePods(cluster, namespace, 'app=erp')}`);
}

async function lookAtAutoscaler({ objects }: Cluster, namespace: string): Promise<true> {
  const hpa = await orNull(
    objects.read({ apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: 'erp', namespace } }),
  );
  const { conditions = [] } =
    (hpa as { readonly status?: { readonly conditions?: readonly { type: string; status: string; message: string }[] } } | null)
      ?.status ?? {};
  const active = conditions.find(({ type }) => type === 'ScalingActive');
  if (active?.status === 'True') return true;
  throw new LabError(active?.message ?? 'it has not decided anything yet');
}

/** `postgres-0: Pending (Unschedulable: 0/1 nodes ...)`: what a user would look up next. */
async function describePods({ core }: Cluster, namespace: string, labelSelector: string): Promise<string> {
  const { items } = await core.listNamespacedPod({ namespace, labelSelector });
  const told = items.map(({ metadata, status }) => {
    const container = status?.containerStatuses?.[0];
    const waiting = container?.state?.waiting ?? container?.lastState?.terminated;
    const unscheduled = status?.conditions?.find(({ type, status: held }) => type === 'PodScheduled' && held === 'False');
    const why = waiting?.message ?? waiting?.reason ?? unscheduled?.message;
    return `${metadata?.name}: ${status?.phase}${why === undefined ? '' : ` (${why.slice(0, 200)})`}`;
  });
  return told.join('; ') || 'no pods';
}

async function fetchJson(url: string): Promise<unknown> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  if (!response.ok) throw new LabError(`${url} answered ${response.status}`);
  return await response.json();
}

/** By a connection of its own, as the load comes. */
function answersOk(url: string): Promise<true | undefined> {
  return new Promise((resolve, reject) => {
    const call = request(url, { agent: false, timeout: 3_000 }, (response) => {
      response.resume();
      if (response.statusCode === 200) resolve(true);
      else reject(new LabError(`${url} answered ${response.statusCode}`));
    });
    call.on('timeout', () => call.destroy(new LabError(`${url} did not answer`)));
    call.on('error', reject);
    call.end();
  });
}
