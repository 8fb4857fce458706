import { formatSeconds } from '../../src/clients/await-condition.ts';
import { HarnessError } from '../../src/errors.ts';
import type { PostgresFailoverSpec } from '../../src/model/plan.ts';
import type { FaultContext, FaultDoors } from '../fault.ts';
import { requireDoor } from '../require-door.ts';
import { bestCandidate, describeCluster, primaryOf, tellWhyNotHealthy } from './cluster-health.ts';
import type { FailoverDriver, PlannedFailover } from './driver.ts';
import { longestMs, predict } from './patroni-prediction.ts';
import { findAddress, provePatroniMoved } from './patroni-proof.ts';
import { rejoinThroughPatroni } from './patroni-rejoin.ts';
import { findProcesses, killServer, type MemberProcesses, planReach, release, stopProcesses } from './reach.ts';
import { runDatabaseCommand } from './run-command.ts';
import { markPrefix, removeMarks } from './split-brain.ts';

const KIND = 'postgres/failover';
/** Share of a revert's time after which a member that does not let itself be let go on is given up. */
const RELEASE_SHARE = 0.3;

type Plan = Pick<PlannedFailover, 'pod' | 'command' | 'reach'>;

export const patroniDriver: FailoverDriver = {
  async plan(spec, doors) {
    const patroni = requireDoor(doors, 'patroni', KIND);
    const [cluster, config] = await Promise.all([patroni.fetchCluster(), patroni.fetchConfig()]);
    const primary = primaryOf(cluster);
    if (cluster.paused) {
      throw refused(`Patroni cluster ${cluster.scope} is paused and would not fail over`, 'resume it: patronictl resume');
    }
    if (primary === undefined) {
      throw refused(`Patroni cluster ${cluster.scope} has no primary (${describeCluster(cluster)})`, 'repair the cluster first');
    }
    const candidate = bestCandidate(cluster, primary);
    if (candidate === undefined) {
      throw refused(
        `Patroni cluster ${cluster.scope} has no healthy standby that could take over (${tellWhyNotHealthy(cluster, primary)})`,
        'wait until a standby streams on the timeline of the primary with a small lag',
      );
    }
    if (config.synchronousMode && candidate.role !== 'sync_standby') {
      throw refused(
        `Patroni cluster ${cluster.scope} is synchronous, but no standby is (${describeCluster(cluster)})`,
        'wait for one',
      );
    }
    const neededMs = longestMs(spec, config);
    if (spec.proveWithinMs < neededMs) {
      throw refused(
        `proveWithin of ${formatSeconds(spec.proveWithinMs)} ends before the leader key must have run out (ttl ${config.ttlSeconds} s): it takes up to ${formatSeconds(neededMs)}`,
        `set proveWithin of fault "${spec.id}" to at least ${Math.ceil(neededMs / 1_000)}s`,
      );
    }
    const address = await findAddress(primary, doors);
    const way = await planWay(spec, primary.name, address, doors);
    return {
      target: `primary ${primary.name} of Patroni cluster ${cluster.scope} (timeline ${primary.timeline}), by ${describeWay(spec, way)}`,
      blastRadius: `the only writable member; ${candidate.name} (${candidate.role}) is expected to take over, ${cluster.members.length - 1} standbys before`,
      undo: `${way.reach === undefined ? '' : 'let go on what is stopped, then '}wait until ${primary.name} is a healthy standby again; if it cannot start, re-clone it by POST /reinitialize`,
      prediction: predict(spec, primary.name, config),
      state: {
        driver: 'patroni',
        oldPrimary: primary.name,
        timeline: primary.timeline,
        standbys: cluster.members.length - 1,
        candidate: candidate.name,
        rejoin: null,
        ...way,
        ...(address && { address }),
      },
    };
  },

  async prepare({ id, mode }, { reach }, context) {
    if (reach === undefined || (mode !== 'kill-patroni' && mode !== 'frozen-walsender')) return {};
    const processes = await findProcesses(mode, reach, context);
    return {
      reach,
      processes,
      stopped: [...processes.walsenders, ...processes.patroni],
      ...(mode === 'kill-patroni' && { marks: markPrefix(context.runId, id) }),
    };
  },

  tellsTouch: (mode) => mode === 'kill-patroni' || mode === 'frozen-walsender',

  async inject(spec, planned, context, { touched, prepared }) {
    const patroni = requireDoor(context, 'patroni', KIND);
    // Without a candidate Patroni chooses by itself, which is the only way that a synchronous cluster accepts any healthy choice.
    if (spec.mode === 'switchover') return patroni.switchover(planned.oldPrimary, null);
    if (spec.mode === 'failover') return patroni.failover(planned.candidate ?? '');
    if (spec.mode === 'kill-patroni') return stopPatroni(spec, planned, context, prepared, touched);
    if (spec.mode === 'frozen-walsender') return crashWithFrozenSenders(spec, planned, context, prepared, touched);
    return crash(spec, planned, context);
  },

  prove: provePatroniMoved,

  async revert(undo, doors, { timeoutMs }) {
    const startedAt = doors.clock.monotonic();
    const released = await release(undo, doors, timeoutMs * RELEASE_SHARE);
    const leftMs = Math.max(1, timeoutMs - (doors.clock.monotonic() - startedAt));
    const rejoined = await rejoinThroughPatroni(undo, doors, { timeoutMs: leftMs });
    const marks = await removeMarks(undo, doors);
    return {
      complete: released.complete && rejoined.complete && marks.complete,
      detail: [released.detail, rejoined.detail, marks.detail].filter((text) => text !== '').join('; '),
    };
  },
};

async function planWay(
  { mode }: PostgresFailoverSpec,
  primary: string,
  address: PlannedFailover['address'],
  doors: FaultDoors,
): Promise<Plan> {
  if (mode === 'crash') return planCrash(primary, doors);
  if (mode === 'kill-patroni') {
    const reach = await planReach(mode, primary, doors);
    const orphan = doors.postgresStandbys?.find(({ label }) => label === address?.label);
    if (orphan === undefined) {
      throw refused(
        `${KIND} in mode ${mode} writes to the old primary at its own address, and none of postgres.connection.standbyUrls leads to ${primary}`,
        'name the address of every member there',
      );
    }
    const obstacle = await orphan.marks.fetchObstacle();
    if (obstacle !== null) {
      throw refused(`${orphan.label}: ${obstacle}, which is how a split brain is detected`, 'grant create on that schema');
    }
    return { pod: null, command: null, reach };
  }
  if (mode === 'frozen-walsender') {
    const reach = await planReach(mode, primary, doors);
    return { ...(reach.way === 'command' ? await planCrash(primary, doors) : { pod: null, command: null }), reach };
  }
  if (mode === 'fence') {
    throw refused(`${KIND} in mode fence needs driver cloudnative-pg; Patroni has no fence`, 'use crash or kill-patroni');
  }
  return { pod: null, command: null };
}

function describeWay({ mode, durationMs = 0 }: PostgresFailoverSpec, { pod, command, reach }: Plan): string {
  const crashing = pod === null ? `"${command?.join(' ')}"` : `force-deleting pod ${pod.name}`;
  if (mode === 'crash') return crashing;
  if (reach === undefined) return `POST /${mode}`;
  if (mode === 'kill-patroni') {
    return reach.way === 'exec' ? `stopping Patroni in pod ${reach.pod}` : `"${reach.command.join(' ')}"`;
  }
  const freezing = reach.way === 'exec' ? `freezing the WAL senders in pod ${reach.pod}` : `"${reach.command.join(' ')}"`;
  const then = reach.way === 'exec' ? 'stopping Patroni and killing the server there' : crashing;
  return `${freezing}, ${formatSeconds(durationMs)} later ${then}`;
}

async function planCrash(primary: string, doors: FaultDoors): Promise<Plan> {
  const pod = (await doors.kubernetes?.fetchPods(''))?.find(({ name, deleting }) => name === primary && !deleting);
  if (doors.kubernetes !== undefined && pod !== undefined) {
    if (!(await doors.kubernetes.allowed({ verb: 'delete', group: '', resource: 'pods' }))) {
      throw refused(
        `the account may not delete pod ${primary} in ${doors.kubernetes.namespace}`,
        'grant "delete pods" in that namespace',
      );
    }
    return { pod: { name: pod.name, uid: pod.uid }, command: null };
  }
  const target = doors.postgresTarget;
  const command = target?.driver === 'patroni' ? target.commands?.crash : undefined;
  if (command !== undefined) return { pod: null, command };
  const where =
    doors.kubernetes === undefined
      ? 'the plan has no kubernetes section'
      : `${doors.kubernetes.namespace} has no pod of that name`;
  throw refused(
    `${KIND} in mode crash cannot reach the primary ${primary}: ${where}, and postgres.commands.crash is not set`,
    'name a program in postgres.commands.crash that kills the primary, or use the mode failover',
  );
}

async function crash({ id }: PostgresFailoverSpec, planned: PlannedFailover, context: FaultContext): Promise<string> {
  if (planned.pod !== null) {
    await requireDoor(context, 'kubernetes', KIND).deletePod(planned.pod.name, { uid: planned.pod.uid, graceSeconds: 0 });
    return `pod ${planned.pod.name} deleted with grace period 0`;
  }
  return runDatabaseCommand(planned.command ?? [], context, { env: environment(id, planned), signal: context.signal });
}

async function stopPatroni(
  { id }: PostgresFailoverSpec,
  planned: PlannedFailover,
  context: FaultContext,
  prepared: Readonly<Record<string, unknown>>,
  touched: () => void,
): Promise<string> {
  const { reach, address, oldPrimary } = planned;
  if (reach === undefined) throw new RangeError('planned without a way into the member');
  await context.postgresStandbys?.find(({ label }) => label === address?.label)?.marks.create();
  context.signal.throwIfAborted();
  const told =
    reach.way === 'exec'
      ? await stopProcesses('Patroni', (prepared.processes as MemberProcesses).patroni, reach, context)
      : await runDatabaseCommand(reach.command, context, { env: environment(id, planned), signal: context.signal });
  touched();
  return `${told}; the server of ${oldPrimary} goes on`;
}

/**
 * In a pod Patroni is stopped together with the crash, so that the member stays gone for as long as a lost machine would: a
 * container that is started anew at once would find its own leader key and bring the unsent writes back.
 */
async function crashWithFrozenSenders(
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
  if (reach.way === 'command') return [frozen, behind, await crash(spec, planned, context)].join('; ');
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

function environment(fault: string, { oldPrimary }: PlannedFailover): Readonly<Record<string, string>> {
  return { PEAKPROOF_FAULT: fault, PEAKPROOF_PRIMARY: oldPrimary };
}

function refused(message: string, hint: string): HarnessError {
  return new HarnessError('ERR_FAULT_UNSUPPORTED', message, { hint });
}
