import { formatSeconds } from '../../src/clients/await-condition.ts';
import { HarnessError } from '../../src/errors.ts';
import type { PostgresFailoverSpec } from '../../src/model/plan.ts';
import type { FaultContext, FaultDoors } from '../fault.ts';
import { requireDoor } from '../require-door.ts';
import { bestCandidate, describeCluster, isHealthyStandby, primaryOf, tellWhyNotHealthy } from './cluster-health.ts';
import type { FailoverDriver, PlannedFailover } from './driver.ts';
import { crash, crashWithFrozenSenders, environment, planCrash, type Way } from './patroni-crash.ts';
import { longestMs, predict } from './patroni-prediction.ts';
import { findAddress, provePatroniMoved } from './patroni-proof.ts';
import { rejoinThroughPatroni } from './patroni-rejoin.ts';
import { findProcesses, type MemberProcesses, planReach, release, stopProcesses } from './reach.ts';
import { runDatabaseCommand } from './run-command.ts';
import { markPrefix, removeMarks } from './split-brain.ts';

const KIND = 'postgres/failover';
/** Share of a revert's time after which a member that does not let itself be let go on is given up. */
const RELEASE_SHARE = 0.3;
/** Between the last moment at which a stopped Patroni is let go on and the first at which its leader key can have run out. */
const RESUME_MARGIN_SECONDS = 3;

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
    const standbys = cluster.members.filter((member) => isHealthyStandby(member, primary)).length;
    const way = await planWay(spec, primary.name, address, doors);
    return {
      target: `primary ${primary.name} of Patroni cluster ${cluster.scope} (timeline ${primary.timeline}), by ${describeWay(spec, way)}`,
      blastRadius: `the only writable member; ${candidate.name} (${candidate.role}) is expected to take over, ${standbys} healthy standbys before`,
      undo: `${way.reach === undefined ? '' : 'let go on what is stopped, then '}wait until ${primary.name} is a healthy standby again; if it cannot start, re-clone it by POST /reinitialize`,
      prediction: predict(spec, { primary: primary.name, config, handsOver: way.handsOver }),
      state: {
        driver: 'patroni',
        oldPrimary: primary.name,
        timeline: primary.timeline,
        standbys,
        candidate: candidate.name,
        rejoin: null,
        ...way,
        ...(address && { address }),
      },
    };
  },

  async prepare({ id, mode }, { reach }, context) {
    if (reach === undefined || (mode !== 'crash' && mode !== 'kill-patroni' && mode !== 'frozen-walsender')) return {};
    const { ttlSeconds, loopWaitSeconds } = await requireDoor(context, 'patroni', KIND).fetchConfig();
    return {
      reach,
      processes: await findProcesses(mode, reach, context),
      resumeUntilAt: context.clock.now() + (ttlSeconds - loopWaitSeconds - RESUME_MARGIN_SECONDS) * 1_000,
      ...(mode === 'kill-patroni' && { marks: markPrefix(context.runId, id) }),
    };
  },

  // The others ask Patroni, which refuses at once or does it.
  tellsTouch: (mode) => mode === 'crash' || mode === 'kill-patroni' || mode === 'frozen-walsender',

  async inject(spec, planned, context, { touched, prepared }) {
    const patroni = requireDoor(context, 'patroni', KIND);
    // Without a candidate Patroni chooses by itself, which is the only way that a synchronous cluster accepts any healthy choice.
    if (spec.mode === 'switchover') return patroni.switchover(planned.oldPrimary, null);
    if (spec.mode === 'failover') return patroni.failover(planned.candidate ?? '');
    if (spec.mode === 'kill-patroni') return stopPatroni(spec, planned, context, prepared, touched);
    if (spec.mode === 'frozen-walsender') return crashWithFrozenSenders(spec, planned, context, prepared, touched);
    if (spec.mode === 'crash') {
      const told = await crash(spec, planned, context, prepared);
      touched();
      return told;
    }
    throw new RangeError(`Patroni has no ${spec.mode}`);
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
): Promise<Way> {
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
    const { pod, command } = reach.way === 'command' ? await planCrash(primary, doors) : { pod: null, command: null };
    return { pod, command, reach };
  }
  if (mode === 'fence') {
    throw refused(`${KIND} in mode fence needs driver cloudnative-pg; Patroni has no fence`, 'use crash or kill-patroni');
  }
  return { pod: null, command: null };
}

function describeWay({ mode, durationMs = 0 }: PostgresFailoverSpec, { pod, command, reach }: Way): string {
  const deleting = `force-deleting pod ${pod?.name}`;
  const crashing = pod === null ? `"${command?.join(' ')}"` : deleting;
  if (mode === 'crash') return reach === undefined ? crashing : `killing Patroni and the server in it, and ${deleting}`;
  if (reach === undefined) return `POST /${mode}`;
  if (mode === 'kill-patroni') {
    return reach.way === 'exec' ? `stopping Patroni in pod ${reach.pod}` : `"${reach.command.join(' ')}"`;
  }
  const freezing = reach.way === 'exec' ? `freezing the WAL senders in pod ${reach.pod}` : `"${reach.command.join(' ')}"`;
  const then = reach.way === 'exec' ? 'stopping Patroni and killing the server there' : crashing;
  return `${freezing}, ${formatSeconds(durationMs)} later ${then}`;
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

function refused(message: string, hint: string): HarnessError {
  return new HarnessError('ERR_FAULT_UNSUPPORTED', message, { hint });
}
