import { awaitCondition } from '../../src/clients/await-condition.ts';
import type { PatroniCluster, PatroniConfig, PatroniMember } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';
import type { FaultDoors, Revert, UndoEntry } from '../fault.ts';
import { requireDoor } from '../require-door.ts';
import { describeCluster, describeMember, isHealthyStandby, primaryOf } from './cluster-health.ts';

/** A member in one of these states will not come back by itself. */
const STUCK: ReadonlySet<string> = new Set(['start failed', 'crashed', 'stopped']);

/** Modes after which nobody takes over before the leader key has run out. */
const WAITS_FOR_KEY: ReadonlySet<string> = new Set(['crash', 'kill-patroni', 'frozen-walsender']);

/** Share of the time for Patroni's own way back (restart, pg_rewind) before the member is cloned anew. */
const PATIENCE = 0.4;

/**
 * Waits until the old primary is a healthy standby. A member that Patroni itself cannot start is cloned anew once; a primary
 * that never moved, with its standbys healthy, needs nothing.
 */
export async function rejoinThroughPatroni(
  undo: UndoEntry,
  doors: FaultDoors,
  { timeoutMs }: { readonly timeoutMs: number },
): Promise<Revert> {
  const patroni = requireDoor(doors, 'patroni', 'postgres/failover');
  const oldPrimary = String(undo.data.oldPrimary);
  const timelineBefore = Number(undo.data.timeline);
  const startedAt = doors.clock.monotonic();
  const notes: string[] = [];
  let cloned = false;
  let mayBeUnmoved = false;
  let settleMs = Number.POSITIVE_INFINITY;
  const standbys = Number(undo.data.standbys ?? 0);
  const look = async (): Promise<Look> => {
    const [cluster, streaming] = await Promise.all([patroni.fetchCluster(), countStreaming(doors)]);
    const member = cluster.members.find(({ name }) => name === oldPrimary);
    const waitedMs = doors.clock.monotonic() - startedAt;
    if (!cloned && waitedMs > timeoutMs * PATIENCE && canBeCloned(cluster, member)) {
      cloned = true;
      notes.push(`re-cloned: ${await patroni.reinitialize(member)}`);
    }
    // Patroni lists a dead leader as the leader until its key runs out: "never moved" is believed only after that.
    mayBeUnmoved = waitedMs >= settleMs && (await doors.postgres?.isWritable()) !== false;
    return { cluster, streaming };
  };
  try {
    // Just after a crash no member may answer: that is waited for like everything else.
    const config = await awaitCondition('patroniAnswers', () => patroni.fetchConfig(), {
      until: () => true,
      timeoutMs,
      clock: doors.clock,
    });
    settleMs = settleMsOf(config, String(undo.data.mode));
    const synchronous = (seen: PatroniCluster) =>
      !config.synchronousMode || seen.members.some(({ role }) => role === 'sync_standby');
    const { cluster } = await awaitCondition('oldPrimaryIsStandby', look, {
      until: ({ cluster: seen, streaming }) =>
        (streaming === null || streaming >= standbys) &&
        synchronous(seen) &&
        (isStandbyAgain(seen, oldPrimary, timelineBefore) ||
          ((mayBeUnmoved || isPromotedAnew(seen, oldPrimary, timelineBefore)) && isUnmoved(seen, oldPrimary))),
      describe: ({ cluster: seen, streaming }) =>
        `${describeCluster(seen)}${streaming === null ? '' : `; ${streaming} of ${standbys} standbys stream`}`,
      intervalMs: 500,
      timeoutMs: Math.max(1, timeoutMs - (doors.clock.monotonic() - startedAt)),
      clock: doors.clock,
    });
    const member = cluster.members.find(({ name }) => name === oldPrimary);
    const told = member === undefined ? oldPrimary : describeMember(member);
    const unmoved = member?.role === 'primary' ? ' (it is the primary)' : '';
    return { complete: true, detail: [`${told}${unmoved}`, ...notes].join('; ') };
  } catch (error) {
    if (!(error instanceof HarnessError)) throw error;
    const detail = [`${oldPrimary} is not a healthy standby again: ${error.message}`, ...notes].join('; ');
    return { complete: false, detail };
  }
}

interface Look {
  readonly cluster: PatroniCluster;
  readonly streaming: number | null;
}

/**
 * Standbys that stream, as the primary itself sees them: before 3.1 Patroni says "running" of a standby that waits in vain for
 * WAL. Null: no primary can be asked, or the user may not see it.
 */
async function countStreaming({ postgres, postgresStandbys = [] }: FaultDoors): Promise<number | null> {
  const members = [...(postgres === undefined ? [] : [postgres]), ...postgresStandbys];
  const looks = await Promise.allSettled(members.map((member) => member.fetchStatus()));
  const primary = looks.flatMap((look) => (look.status === 'fulfilled' && !look.value.inRecovery ? [look.value] : []))[0];
  if (primary === undefined) return null;
  const hidden = primary.replicas.length > 0 && primary.replicas.every(({ state }) => state === '');
  return hidden ? null : primary.replicas.filter(({ state }) => state === 'streaming').length;
}

function isStandbyAgain(cluster: PatroniCluster, oldPrimary: string, timelineBefore: number): boolean {
  const primary = primaryOf(cluster);
  const member = cluster.members.find(({ name }) => name === oldPrimary);
  if (primary === undefined || member === undefined) return false;
  return primary.timeline > timelineBefore && isHealthyStandby(member, primary);
}

/** A later timeline shows that whatever was under way is over: the old primary itself was promoted again. */
function isPromotedAnew(cluster: PatroniCluster, oldPrimary: string, timelineBefore: number): boolean {
  const primary = primaryOf(cluster);
  return primary?.name === oldPrimary && primary.timeline > timelineBefore;
}

/** The old primary is the primary still, or again, with every other member healthy behind it. */
function isUnmoved(cluster: PatroniCluster, oldPrimary: string): boolean {
  const primary = primaryOf(cluster);
  if (primary?.name !== oldPrimary || primary.state !== 'running') return false;
  const others = cluster.members.filter(({ name }) => name !== oldPrimary);
  return others.length > 0 && others.every((other) => isHealthyStandby(other, primary));
}

/** How long a move that was asked for may still be on its way. */
function settleMsOf({ ttlSeconds, loopWaitSeconds }: PatroniConfig, mode: string): number {
  return (WAITS_FOR_KEY.has(mode) ? ttlSeconds + loopWaitSeconds : 2 * loopWaitSeconds) * 1_000;
}

function canBeCloned(cluster: PatroniCluster, member: PatroniMember | undefined): member is PatroniMember {
  return member !== undefined && member.apiUrl !== null && STUCK.has(member.state) && primaryOf(cluster)?.name !== member.name;
}
