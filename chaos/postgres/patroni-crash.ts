/** Crash of a primary under Patroni: through its pod or a program of the plan, with or without replication frozen before. */
import { HarnessError } from '../../src/errors.ts';
import type { PostgresFailoverSpec } from '../../src/model/plan.ts';
import type { FaultContext, FaultDoors } from '../fault.ts';
import { requireDoor } from '../require-door.ts';
import type { PlannedFailover } from './driver.ts';
import { killServer, type MemberProcesses, planExec, type Reach, stopProcesses } from './reach.ts';
import { runDatabaseCommand } from './run-command.ts';

const KIND = 'postgres/failover';

/** How the old primary is got at. */
export type Way = Pick<PlannedFailover, 'pod' | 'command' | 'reach' | 'handsOver'>;

/** A program of the plan, where it names one, else the pod that bears the member's name. */
export async function planCrash(primary: string, doors: FaultDoors): Promise<Way> {
  const target = doors.postgresTarget;
  const command = target?.driver === 'patroni' ? target.commands?.crash : undefined;
  if (command !== undefined) return { pod: null, command };
  const pod = (await doors.kubernetes?.fetchPods(''))?.find(({ name, deleting }) => name === primary && !deleting);
  if (doors.kubernetes === undefined || pod === undefined) {
    const where =
      doors.kubernetes === undefined
        ? 'the plan has no kubernetes section'
        : `${doors.kubernetes.namespace} has no pod of that name`;
    throw refused(
      `${KIND} in mode crash cannot reach the primary ${primary}: ${where}, and postgres.commands.crash is not set`,
      'name a program in postgres.commands.crash that kills the primary, or use the mode failover',
    );
  }
  if (!(await doors.kubernetes.allowed({ verb: 'delete', group: '', resource: 'pods' }))) {
    throw refused(
      `the account may not delete pod ${primary} in ${doors.kubernetes.namespace}`,
      'grant "delete pods" in that namespace',
    );
  }
  return { pod: { name: pod.name, uid: pod.uid }, command: null, ...(await planKill(pod, doors)) };
}

/**
 * A pod that is deleted by force is gone from the API at once, but its kubelet sends SIGTERM first: Patroni then stops the server
 * in good order and hands over, which is no crash. So both are killed from inside before, where that is possible.
 */
async function planKill(
  pod: { readonly name: string; readonly uid: string },
  doors: FaultDoors,
): Promise<Pick<PlannedFailover, 'reach' | 'handsOver'>> {
  if (doors.podExec === undefined) return { handsOver: 'the plan opens no way into pods' };
  try {
    return { reach: await planExec('crash', pod, doors, '') };
  } catch (error) {
    if (error instanceof HarnessError) return { handsOver: error.message };
    throw error;
  }
}

export async function crash(
  { id }: PostgresFailoverSpec,
  planned: PlannedFailover,
  context: FaultContext,
  prepared: Readonly<Record<string, unknown>>,
): Promise<string> {
  const { pod, reach } = planned;
  if (pod !== null) {
    const killed = reach?.way === 'exec' ? await killInside(reach, prepared.processes as MemberProcesses, context) : '';
    await requireDoor(context, 'kubernetes', KIND).deletePod(pod.name, { uid: pod.uid, graceSeconds: 0 });
    return `${killed}pod ${pod.name} deleted with grace period 0`;
  }
  return runDatabaseCommand(planned.command ?? [], context, { env: environment(id, planned), signal: context.signal });
}

/** Patroni is stopped first, so that it neither hands over nor starts the server again before it is killed itself. */
async function killInside(reach: Reach, { patroni, postmaster }: MemberProcesses, context: FaultContext): Promise<string> {
  await stopProcesses('Patroni', patroni, reach, context);
  await killServer(postmaster ?? '', reach, context);
  return `Patroni stopped and the server killed in pod ${reach.way === 'exec' ? reach.pod : ''}, `;
}

/**
 * In a pod Patroni is stopped together with the crash, so that the member stays gone for as long as a lost machine would: a
 * container that is started anew at once would find its own leader key and bring the unsent writes back.
 */
export async function crashWithFrozenSenders(
  spec: PostgresFailoverSpec,
  planned: PlannedFailover,
  context: FaultContext,
  prepared: Readonly<Record<string, unknown>>,
  touched: () => void,
): Promise<string> {
  const { reach } = planned;
  if (reach === undefined) throw new RangeError('planned without a way into the member');
  const processes = prepared.processes as MemberProcesses;
  const env = environment(spec.id, planned);
  const frozen =
    reach.way === 'exec'
      ? await stopProcesses('WAL senders', processes.walsenders, reach, context)
      : await runDatabaseCommand(reach.command, context, { env, signal: context.signal });
  touched();
  await context.clock.sleep(spec.durationMs ?? 0, { signal: context.signal });
  const behind = await tellLag(planned, context);
  context.signal.throwIfAborted();
  if (reach.way === 'command') return [frozen, behind, await crash(spec, planned, context, prepared)].join('; ');
  await stopProcesses('Patroni', processes.patroni, reach, context);
  await killServer(processes.postmaster ?? '', reach, context);
  return [frozen, behind, `Patroni of ${planned.oldPrimary} stopped and its server killed`].join('; ');
}

/** How far the standbys are behind just before the crash; told, not needed. */
async function tellLag({ address }: PlannedFailover, context: FaultContext): Promise<string> {
  const member = context.postgresStandbys?.find(({ label }) => label === address?.label) ?? context.postgres;
  if (member === undefined) return 'how far the standbys were behind is not known: no connection in the plan';
  try {
    const { replicas } = await member.fetchStatus({ signal: context.signal });
    const each = replicas.map(({ name, replayLagBytes }) => `${name} ${replayLagBytes} bytes`);
    return `behind at the crash: ${each.join(', ') || 'no standby'}`;
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof HarnessError) return `how far the standbys were behind is not known: ${error.message}`;
    throw error;
  }
}

export function environment(fault: string, { oldPrimary }: PlannedFailover): Readonly<Record<string, string>> {
  return { PEAKPROOF_FAULT: fault, PEAKPROOF_PRIMARY: oldPrimary };
}

function refused(message: string, hint: string): HarnessError {
  return new HarnessError('ERR_FAULT_UNSUPPORTED', message, { hint });
}
