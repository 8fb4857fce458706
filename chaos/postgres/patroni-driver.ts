import { awaitCondition } from '../../src/clients/await-condition.ts';
import type { PatroniCluster, PatroniConfig } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';
import type { PostgresFailoverSpec } from '../../src/model/plan.ts';
import type { FaultContext, FaultDoors, Proof } from '../fault.ts';
import { requireDoor } from '../require-door.ts';
import { bestCandidate, describeCluster, primaryOf } from './cluster-health.ts';
import type { FailoverDriver, PlannedFailover } from './driver.ts';
import { rejoinThroughPatroni } from './patroni-rejoin.ts';
import { runDatabaseCommand } from './run-command.ts';

const KIND = 'postgres/failover';

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
        `Patroni cluster ${cluster.scope} has no healthy standby that could take over (${describeCluster(cluster)})`,
        'wait until a standby streams on the timeline of the primary with a small lag',
      );
    }
    if (config.synchronousMode && candidate.role !== 'sync_standby') {
      throw refused(
        `Patroni cluster ${cluster.scope} is synchronous, but no standby is (${describeCluster(cluster)})`,
        'wait for one',
      );
    }
    const { pod, command } = spec.mode === 'crash' ? await planCrash(primary.name, doors) : { pod: null, command: null };
    const by = {
      switchover: 'POST /switchover',
      failover: 'POST /failover',
      crash: pod ? `force-deleting pod ${pod.name}` : `"${command?.join(' ')}"`,
    };
    return {
      target: `primary ${primary.name} of Patroni cluster ${cluster.scope} (timeline ${primary.timeline}), by ${by[spec.mode]}`,
      blastRadius: `the only writable member; ${candidate.name} (${candidate.role}) is expected to take over, ${cluster.members.length - 1} standbys before`,
      undo: `wait until ${primary.name} is a healthy standby again; if it cannot start, re-clone it by POST /reinitialize`,
      prediction: predict(spec.mode, config),
      state: {
        driver: 'patroni',
        oldPrimary: primary.name,
        timeline: primary.timeline,
        standbys: cluster.members.length - 1,
        candidate: candidate.name,
        pod,
        command,
        rejoin: null,
      },
    };
  },

  async inject(spec, planned, context) {
    const patroni = requireDoor(context, 'patroni', KIND);
    // Without a candidate Patroni chooses by itself, which is the only way that a synchronous cluster accepts any healthy choice.
    if (spec.mode === 'switchover') return patroni.switchover(planned.oldPrimary, null);
    if (spec.mode === 'failover') return patroni.failover(planned.candidate ?? '');
    if (planned.pod !== null) {
      await requireDoor(context, 'kubernetes', KIND).deletePod(planned.pod.name, { uid: planned.pod.uid, graceSeconds: 0 });
      return `pod ${planned.pod.name} deleted with grace period 0`;
    }
    const env = { PEAKPROOF_FAULT: spec.id, PEAKPROOF_PRIMARY: planned.oldPrimary };
    return runDatabaseCommand(planned.command ?? [], context, { env, signal: context.signal });
  },

  async prove(spec, planned, context) {
    const patroni = requireDoor(context, 'patroni', KIND);
    const look = async () => ({
      cluster: await patroni.fetchCluster({ signal: context.signal }),
      writable: await someMemberWritable(context),
    });
    const moved = (cluster: PatroniCluster) => {
      const primary = primaryOf(cluster);
      return primary !== undefined && primary.name !== planned.oldPrimary && primary.timeline > planned.timeline;
    };
    try {
      const { cluster, writable } = await awaitCondition('newPrimary', look, {
        until: (seen) => moved(seen.cluster) && seen.writable !== undefined,
        describe: (seen) =>
          `${describeCluster(seen.cluster)}; takes writes: ${seen.writable === null ? 'not asked' : (seen.writable ?? 'no member')}`,
        timeoutMs: spec.proveWithinMs,
        clock: context.clock,
        signal: context.signal,
      });
      return provenBy(planned, cluster, writable);
    } catch (error) {
      if (error instanceof HarnessError) return { proven: false, evidence: [error.message] };
      throw error;
    }
  },

  revert: rejoinThroughPatroni,
};

async function planCrash(primary: string, doors: FaultDoors): Promise<Pick<PlannedFailover, 'pod' | 'command'>> {
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
  const command = doors.postgresTarget?.commands?.crash;
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

/** From Patroni's documented settings; the seconds of a planned move and of an election were measured on Patroni 3.0 and 4.1. */
function predict(mode: PostgresFailoverSpec['mode'], { ttlSeconds, loopWaitSeconds, synchronousMode }: PatroniConfig): string {
  const loss = synchronousMode
    ? 'synchronous: no acknowledged write may be lost'
    : 'asynchronous: the last acknowledged writes may be lost';
  if (mode !== 'crash') return `planned move, usually writable again after 2 to 5 s (loop_wait ${loopWaitSeconds} s); ${loss}`;
  const earliest = Math.max(0, ttlSeconds - loopWaitSeconds);
  return (
    `the standby takes over when the leader key runs out (ttl ${ttlSeconds} s, renewed every ${loopWaitSeconds} s) and an election of 1 to 2 s is over: ` +
    `${earliest} to ${ttlSeconds + 2} s; sooner if Patroni on the dead member still runs; ${loss}`
  );
}

/**
 * Label of a member that takes writes: asked directly where the plan names the members, since the application's own address
 * may be what does not recover. Undefined: none does; null: the plan has no connection to ask.
 */
async function someMemberWritable({ postgres, postgresStandbys = [], signal }: FaultContext): Promise<string | null | undefined> {
  const members = postgresStandbys.length > 0 ? postgresStandbys : postgres === undefined ? [] : [postgres];
  if (members.length === 0) return null;
  const looks = await Promise.allSettled(members.map((member) => member.isWritable({ signal })));
  signal.throwIfAborted();
  return members.find((_, index) => {
    const look = looks[index];
    return look?.status === 'fulfilled' && look.value;
  })?.label;
}

function provenBy(planned: PlannedFailover, cluster: PatroniCluster, writable: string | null | undefined): Proof {
  const primary = primaryOf(cluster);
  return {
    proven: true,
    evidence: [
      `primary was ${planned.oldPrimary}, is ${primary?.name}`,
      `timeline was ${planned.timeline}, is ${primary?.timeline}`,
      writable === null ? 'no connection in the plan: not shown to be writable' : `${writable} takes writes`,
    ],
  };
}

function refused(message: string, hint: string): HarnessError {
  return new HarnessError('ERR_FAULT_UNSUPPORTED', message, { hint });
}
