import { awaitCondition } from '../../src/clients/await-condition.ts';
import type { RedisPort, SentinelGroup, SentinelPort } from '../../src/clients/ports.ts';
import { type GroupLook, lookAtGroup } from '../../src/clients/redis-group.ts';
import { HarnessError } from '../../src/errors.ts';
import type { SentinelFailoverSpec } from '../../src/model/plan.ts';
import type { Fault, FaultContext, FaultPlan, Proof } from '../fault.ts';
import { requireDoor } from '../require-door.ts';
import { type CrashPlan, crashMaster, planCrash } from './sentinel/crash-master.ts';
import { canTakeOver, describeLook, findAlias, isDown } from './sentinel/group-health.ts';
import { restoreGroup } from './sentinel/restore-group.ts';
import { failOverSafely } from './sentinel/safe-failover.ts';

const KIND = 'redis/sentinel-failover';

export interface PlannedSentinelFailover extends CrashPlan {
  readonly oldMaster: string;
  readonly configEpoch: number;
  /** Replicas that follow the master before. */
  readonly replicas: number;
  readonly rejoin: readonly string[] | null;
}

export interface InjectedSentinelFailover {
  readonly asked: true;
}

export const sentinelFailover: Fault<SentinelFailoverSpec, PlannedSentinelFailover, InjectedSentinelFailover> = {
  kind: KIND,
  summary: 'moves the Redis master under Sentinel: planned, planned with writes paused, or by killing the master',
  needs: ['sentinel'],
  // Only a crash through Kubernetes deletes a pod.
  access: [],

  accessFor({ mode }, { redisTarget, kubernetes }) {
    if (mode !== 'crash' || kubernetes === undefined || redisTarget?.commands?.crash !== undefined) return [];
    return [
      { verb: 'list', group: '', resource: 'pods' },
      { verb: 'delete', group: '', resource: 'pods' },
      // Sentinel may announce the address of a Service before the pod.
      { verb: 'list', group: '', resource: 'services' },
    ];
  },

  async plan(spec, doors) {
    const sentinel = requireDoor(doors, 'sentinel', KIND);
    const look = await lookAtGroup(sentinel, [], doors);
    const candidates = requireReady(look, sentinel);
    const { group } = look;
    await requireOneName(sentinel, group.master);
    const crash = spec.mode === 'crash' ? await planCrash(group.master, doors) : { pod: null, command: null };
    const by = {
      planned: 'SENTINEL FAILOVER',
      'safe-planned': 'SENTINEL FAILOVER with writes paused',
      crash: crash.pod ? `SHUTDOWN NOSAVE and force-deleting pod ${crash.pod.name}` : `"${crash.command?.join(' ')}"`,
    };
    return {
      target: `master ${group.master} of ${sentinel.label}, by ${by[spec.mode]}`,
      blastRadius: `the only server that takes writes; ${candidates.length} of ${group.replicas.length} replicas could take over`,
      undo: `wait until ${crash.pod ? 'as many replicas as before follow' : `${group.master} and the other replicas follow`} the new master; nothing moves back`,
      prediction: predict(spec.mode, group, await readWriteLimits(sentinel.server(group.master))),
      state: {
        ...crash,
        oldMaster: group.master,
        configEpoch: group.configEpoch,
        replicas: candidates.length,
        rejoin: spec.mode === 'crash' && crash.pod === null ? (doors.redisTarget?.commands?.rejoin ?? null) : null,
      },
    };
  },

  async inject(spec, plan, context, started) {
    const sentinel = requireDoor(context, 'sentinel', KIND);
    const { oldMaster, configEpoch, replicas, rejoin, pod } = plan.state;
    await context.openUndo({
      fault: spec.id,
      kind: KIND,
      action: plan.undo,
      data: {
        mode: spec.mode,
        group: sentinel.group,
        oldMaster,
        configEpoch,
        replicas,
        ...(pod ? { pod: pod.name } : {}),
        ...(rejoin ? { rejoin } : {}),
      },
    });
    context.signal.throwIfAborted();
    const injectedAt = context.clock.now();
    const asked = { injectedAt, detail: `asked for ${spec.mode} of ${oldMaster}`, state: { asked: true as const } };
    // A safe failover lasts until the new master is named: what it does to clients begins with its pause.
    if (spec.mode === 'safe-planned') {
      started(asked);
      return { ...asked, detail: await failOverSafely(sentinel, oldMaster, context) };
    }
    const detail =
      spec.mode === 'planned' ? await sentinel.failover() : await crashMaster(spec.id, oldMaster, plan.state, context);
    started(asked);
    return { ...asked, detail };
  },

  prove: (spec, plan, _injection, context) => proveMoved(spec, plan, context),

  revert: restoreGroup,
};

/** Replicas that could take over. Throws ERR_FAULT_UNSUPPORTED when a failover would not, or not only, be this fault. */
function requireReady({ group, quorum, servers }: GroupLook, sentinel: SentinelPort) {
  const refused = (message: string, hint: string): HarnessError =>
    new HarnessError('ERR_FAULT_UNSUPPORTED', `${sentinel.label}: ${message}`, { hint });
  if (group.flags.includes('failover_in_progress'))
    throw refused('a failover is in progress', 'wait until it is over, or look why it does not end');
  if (isDown(group))
    throw refused(
      `its master ${group.master} is down in the eyes of Sentinel (${group.flags.join(',')})`,
      'repair the group first',
    );
  if (!quorum.held)
    throw refused(
      `it has no quorum: ${quorum.detail}`,
      'Sentinel would neither agree on a failover nor authorise one; start the missing Sentinels',
    );
  const master = servers.find(({ address }) => address === group.master);
  if (master?.role !== 'master') {
    throw refused(
      `its master ${group.master} ${master?.problem ?? 'says of itself that it is a replica'}`,
      'Sentinel announces addresses of its own network; give redis.sentinels.addressMap what they are here',
    );
  }
  const alias = findAlias(group);
  if (alias !== null)
    throw refused(
      `${alias.join(' and ')} are one server, and Sentinel takes them for two`,
      'give it replica-announce-ip with the address that Sentinel monitors, then: redis-cli sentinel reset',
    );
  const candidates = group.replicas.filter(canTakeOver);
  if (candidates.length === 0) {
    const seen = group.replicas.map(
      ({ address, flags, linkUp }) => `${address} ${flags.join(',')}${linkUp ? '' : ', link down'}`,
    );
    throw refused(
      `no replica could take over (${seen.join('; ') || 'it has none'})`,
      'wait until a replica is connected and has a priority above 0',
    );
  }
  return candidates;
}

/** A master that will announce another address as a replica would be two servers to Sentinel, and might be made a replica of itself. */
async function requireOneName(sentinel: SentinelPort, master: string): Promise<void> {
  const announced = await readSetting(sentinel.server(master), 'replica-announce-ip');
  if (!announced || announced === master.slice(0, master.lastIndexOf(':')).replace(/^\[|\]$/g, '')) return;
  throw new HarnessError(
    'ERR_FAULT_UNSUPPORTED',
    `${sentinel.label}: Sentinel knows the master as ${master}, but it will announce itself as ${announced} when it is a replica`,
    {
      hint: 'after a failover Sentinel would take it for two servers; let replica-announce-ip be the address that Sentinel monitors',
    },
  );
}

/** Null: the account may not read the configuration. */
async function readSetting(server: RedisPort, name: string): Promise<string | null> {
  try {
    return await server.configGet(name);
  } catch (error) {
    if (error instanceof HarnessError && /NOPERM|unknown command/i.test(error.message)) return null;
    throw error;
  }
}

interface WriteLimits {
  readonly minReplicas: number;
  readonly maxLagSeconds: number;
}

/** Null: the account may not read the configuration. */
async function readWriteLimits(master: RedisPort): Promise<WriteLimits | null> {
  const minReplicas = await readSetting(master, 'min-replicas-to-write');
  const maxLagSeconds = await readSetting(master, 'min-replicas-max-lag');
  return minReplicas === null ? null : { minReplicas: Number(minReplicas), maxLagSeconds: Number(maxLagSeconds ?? 0) };
}

/** Measured on Redis 6.2 and 7.0 (docs/reference/platform-behaviour.md 3.5): a planned move has the smallest gap and the largest loss. */
function predict(mode: SentinelFailoverSpec['mode'], group: SentinelGroup, limits: WriteLimits | null): string {
  const votes = `quorum ${group.quorum} of ${group.sentinels} Sentinels`;
  if (mode === 'safe-planned') return 'writes wait for 1 to 2 s, and no acknowledged write may be lost';
  const bounded =
    limits === null
      ? 'min-replicas-to-write could not be read'
      : limits.minReplicas > 0
        ? `min-replicas-to-write ${limits.minReplicas}: it refuses writes ${limits.maxLagSeconds} s after its replicas have left`
        : 'min-replicas-to-write 0: nothing bounds that loss';
  if (mode === 'planned') {
    return `a replica takes over within about 1 s; the old master acknowledges writes of clients that stay until it is demoted, 8 to 10 s later, and they are lost; ${bounded}; ${votes}`;
  }
  return `noticed after down-after-milliseconds ${group.downAfterMs}, then an election of 1 to 2 s (${votes}); replication is asynchronous: the last acknowledged writes may be lost`;
}

async function proveMoved(
  spec: SentinelFailoverSpec,
  { state }: FaultPlan<PlannedSentinelFailover>,
  context: FaultContext,
): Promise<Proof> {
  const sentinel = requireDoor(context, 'sentinel', KIND);
  const { oldMaster, configEpoch, pod } = state;
  const newMaster = ({ group, servers }: GroupLook) =>
    group.master !== oldMaster &&
    group.configEpoch > configEpoch &&
    servers.some(({ address, role }) => address === group.master && role === 'master');
  try {
    const look = await awaitCondition('newMaster', () => lookAtGroup(sentinel, [oldMaster], context), {
      until: newMaster,
      describe: describeLook,
      timeoutMs: spec.proveWithinMs,
      intervalMs: 200,
      clock: context.clock,
      signal: context.signal,
    });
    const old = look.servers.find(({ address }) => address === oldMaster);
    return {
      proven: true,
      evidence: [
        `Sentinel named ${oldMaster}, names ${look.group.master}, which says of itself that it is the master`,
        `config epoch was ${configEpoch}, is ${look.group.configEpoch}`,
        ...(old?.role === 'master' && spec.mode !== 'safe-planned'
          ? [`${oldMaster} says so as well for now: what it acknowledges will be lost`]
          : []),
      ],
    };
  } catch (error) {
    if (!(error instanceof HarnessError)) throw error;
    const early = pod === null ? [] : ['a pod that is back before down-after-milliseconds is over is no failover to Sentinel'];
    return { proven: false, evidence: [error.message, ...early] };
  }
}
