/** How the master is killed: by deleting its pod, or by a program of the plan. */
import type { ApiObject, CustomObjectsPort, KubernetesPort, PodView, RedisPort } from '../../../src/clients/ports.ts';
import { timeoutMs } from '../../../src/clients/timeouts.ts';
import { HarnessError } from '../../../src/errors.ts';
import type { FaultContext, FaultDoors } from '../../fault.ts';
import { requireDoor } from '../../require-door.ts';

const KIND = 'redis/sentinel-failover';

export interface CrashPlan {
  readonly pod: { readonly name: string; readonly uid: string } | null;
  readonly command: readonly string[] | null;
}

/** Read only. Throws ERR_FAULT_UNSUPPORTED when there is neither a pod of the namespace nor a command. */
export async function planCrash(master: string, doors: FaultDoors): Promise<CrashPlan> {
  const { kubernetes } = doors;
  const pod = kubernetes === undefined ? undefined : await fetchMasterPod(kubernetes, master, doors);
  const command = doors.redisTarget?.commands?.crash;
  if (kubernetes !== undefined && pod !== undefined) {
    const allowed = await kubernetes.allowed({ verb: 'delete', group: '', resource: 'pods' });
    if (!allowed && command !== undefined) return { pod: null, command };
    if (!allowed) {
      throw new HarnessError('ERR_FAULT_UNSUPPORTED', `the account may not delete pod ${pod.name} in ${kubernetes.namespace}`, {
        hint: 'grant "delete pods" in that namespace',
      });
    }
    return { pod: { name: pod.name, uid: pod.uid }, command: null };
  }
  if (command !== undefined) return { pod: null, command };
  const where =
    kubernetes === undefined
      ? 'the plan has no kubernetes section'
      : `no pod or Service of ${kubernetes.namespace} that may be listed has that address`;
  throw new HarnessError(
    'ERR_FAULT_UNSUPPORTED',
    `${KIND} in mode crash cannot reach the master ${master}: ${where}, and redis.commands.crash is not set`,
    { hint: 'name a program in redis.commands.crash that kills the master, or use the mode planned' },
  );
}

/**
 * The pod that has the announced address; or whose name is the first label of the announced host name
 * (`redis-0.redis.erp.svc`); or the only one behind the Service that has it, which is what survives a pod's address.
 */
async function fetchMasterPod(kubernetes: KubernetesPort, master: string, doors: FaultDoors): Promise<PodView | undefined> {
  const host = master.slice(0, master.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  const pods = (await kubernetes.fetchPods('')).filter(isAlive);
  const byAddress = pods.find(({ ip }) => ip === host) ?? pods.find(({ name }) => name === host.split('.')[0]);
  if (byAddress !== undefined || doors.customObjects === undefined) return byAddress;
  const selector = await fetchServiceSelector(doors.customObjects, host);
  const behind = selector === null ? [] : (await kubernetes.fetchPods(selector)).filter(isAlive);
  return behind.length === 1 ? behind[0] : undefined;
}

function isAlive({ deleting, phase }: PodView): boolean {
  return !deleting && phase !== 'Succeeded' && phase !== 'Failed';
}

/** Selector of the Service with this cluster address; null when there is none, or services may not be listed. */
async function fetchServiceSelector(objects: CustomObjectsPort, address: string): Promise<string | null> {
  const services = await listServices(objects);
  for (const { spec } of services) {
    const { clusterIP, selector } = (spec ?? {}) as { readonly clusterIP?: unknown; readonly selector?: unknown };
    if (clusterIP !== address || typeof selector !== 'object' || selector === null) continue;
    return Object.entries(selector)
      .map(([key, value]) => `${key}=${value}`)
      .join(',');
  }
  return null;
}

async function listServices(objects: CustomObjectsPort): Promise<readonly ApiObject[]> {
  try {
    return await objects.list({ group: '', version: 'v1', plural: 'services' });
  } catch (error) {
    if (error instanceof HarnessError && /forbidden/i.test(error.message)) return [];
    throw error;
  }
}

export async function crashMaster(
  fault: string,
  master: string,
  { pod, command }: CrashPlan,
  context: FaultContext,
): Promise<string> {
  if (pod !== null) {
    const ended = await endAtOnce(requireDoor(context, 'sentinel', KIND).server(master));
    await requireDoor(context, 'kubernetes', KIND).deletePod(pod.name, { uid: pod.uid, graceSeconds: 0 });
    return `${ended}; pod ${pod.name} of the master ${master} deleted with grace period 0`;
  }
  return runRedisCommand(command ?? [], context, { fault, master, signal: context.signal });
}

/**
 * The kubelet sends SIGTERM even without a grace period, and Redis 7 then waits for its replicas, which is no crash; nor can a
 * program in the container kill its first process. What SHUTDOWN with these words leaves undone is what a crash leaves undone.
 */
async function endAtOnce(server: RedisPort): Promise<string> {
  const wordings = [
    ['NOSAVE', 'NOW', 'FORCE'],
    // Before Redis 7, which knows no more words and waits for nobody.
    ['NOSAVE'],
  ];
  for (const words of wordings) {
    try {
      await server.command('SHUTDOWN', words);
    } catch (error) {
      const told = error instanceof Error ? error.message : String(error);
      if (/syntax error/i.test(told)) continue;
      // No answer but the end of the connection is how this ends well.
      if (!/NOPERM|unknown command/i.test(told)) return `SHUTDOWN ${words.join(' ')}`;
    }
    break;
  }
  return 'SHUTDOWN was refused, so the server may have waited for its replicas before it ended';
}

/** Runs a program of the plan with the announced address in its environment; any exit code but 0 is ERR_COMMAND. */
export async function runRedisCommand(
  argv: readonly string[],
  doors: FaultDoors,
  options: { readonly fault: string; readonly master: string; readonly signal?: AbortSignal; readonly timeoutMs?: number },
): Promise<string> {
  const { exitCode, output } = await requireDoor(doors, 'commands', KIND).run(argv, {
    timeoutMs: options.timeoutMs ?? timeoutMs('databaseCommand'),
    env: { PEAKPROOF_FAULT: options.fault, PEAKPROOF_REDIS_MASTER: options.master },
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const line = output.trimEnd().split('\n').at(-1)?.slice(0, 300) ?? '';
  const told = `"${argv.join(' ')}" ended ${exitCode === 0 ? 'well' : `with exit code ${exitCode}`}${line === '' ? '' : `: ${line}`}`;
  if (exitCode !== 0) throw new HarnessError('ERR_COMMAND', told);
  return told;
}
