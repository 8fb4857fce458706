/** How the master is killed: by deleting its pod, or by a program of the plan. */
import type { PodView } from '../../../src/clients/ports.ts';
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
  const pod = kubernetes === undefined ? undefined : findPod(await kubernetes.fetchPods(''), master);
  if (kubernetes !== undefined && pod !== undefined) {
    if (!(await kubernetes.allowed({ verb: 'delete', group: '', resource: 'pods' }))) {
      throw new HarnessError('ERR_FAULT_UNSUPPORTED', `the account may not delete pod ${pod.name} in ${kubernetes.namespace}`, {
        hint: 'grant "delete pods" in that namespace',
      });
    }
    return { pod: { name: pod.name, uid: pod.uid }, command: null };
  }
  const command = doors.redisTarget?.commands?.crash;
  if (command !== undefined) return { pod: null, command };
  const where =
    kubernetes === undefined
      ? 'the plan has no kubernetes section'
      : `no pod of ${kubernetes.namespace} has that address or host name`;
  throw new HarnessError(
    'ERR_FAULT_UNSUPPORTED',
    `${KIND} in mode crash cannot reach the master ${master}: ${where}, and redis.commands.crash is not set`,
    { hint: 'name a program in redis.commands.crash that kills the master, or use the mode planned' },
  );
}

/** By address, or by the first label of the host name when Sentinel announces names (`redis-0.redis.erp.svc`). */
function findPod(pods: readonly PodView[], master: string): PodView | undefined {
  const host = master.slice(0, master.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  const alive = pods.filter(({ deleting, phase }) => !deleting && phase !== 'Succeeded' && phase !== 'Failed');
  return alive.find(({ ip }) => ip === host) ?? alive.find(({ name }) => name === host.split('.')[0]);
}

export async function crashMaster(
  fault: string,
  master: string,
  { pod, command }: CrashPlan,
  context: FaultContext,
): Promise<string> {
  if (pod !== null) {
    await requireDoor(context, 'kubernetes', KIND).deletePod(pod.name, { uid: pod.uid, graceSeconds: 0 });
    return `pod ${pod.name} of the master ${master} deleted with grace period 0`;
  }
  return runRedisCommand(command ?? [], context, { fault, master, signal: context.signal });
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
