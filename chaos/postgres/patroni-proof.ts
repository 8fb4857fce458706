import { awaitCondition } from '../../src/clients/await-condition.ts';
import type { PatroniCluster, PostgresPort } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';
import type { PostgresFailoverSpec } from '../../src/model/plan.ts';
import type { FaultContext, FaultDoors, Proof } from '../fault.ts';
import { requireDoor } from '../require-door.ts';
import { describeCluster, primaryOf } from './cluster-health.ts';
import type { PlannedFailover } from './driver.ts';
import { markPrefix, watchOrphan } from './split-brain.ts';

const DEFAULT_WATCH_MS = 5_000;

interface Look {
  readonly cluster: PatroniCluster;
  /** A member that takes writes; undefined: none does; null: the plan has no connection to ask. */
  readonly writable: PostgresPort | null | undefined;
  /** The old primary, started anew and writable: a crash that the platform answered on the spot. */
  readonly restarted: boolean;
}

export async function provePatroniMoved(
  spec: PostgresFailoverSpec,
  planned: PlannedFailover,
  context: FaultContext,
): Promise<Proof> {
  const patroni = requireDoor(context, 'patroni', 'postgres/failover');
  const look = async (): Promise<Look> => {
    const cluster = await patroni.fetchCluster({ signal: context.signal });
    const [writable, restarted] = await Promise.all([
      writableMember(context, spec.mode === 'kill-patroni' ? planned.address?.label : undefined),
      spec.mode === 'crash' ? hasRestarted(planned, context) : Promise.resolve(false),
    ]);
    return { cluster, writable, restarted };
  };
  const moved = ({ cluster, writable }: Look): boolean => {
    const primary = primaryOf(cluster);
    return (
      primary !== undefined &&
      primary.name !== planned.oldPrimary &&
      primary.timeline > planned.timeline &&
      writable !== undefined
    );
  };
  try {
    const seen = await awaitCondition('newPrimary', look, {
      until: (candidate) => moved(candidate) || candidate.restarted,
      describe: ({ cluster, writable }) =>
        `${describeCluster(cluster)}; takes writes: ${writable === null ? 'not asked' : (writable?.label ?? 'no member')}`,
      timeoutMs: spec.proveWithinMs,
      clock: context.clock,
      signal: context.signal,
    });
    if (!moved(seen)) return restartedInPlace(planned, seen.cluster);
    const proof = movedProof(planned, seen);
    return spec.mode === 'kill-patroni' ? await withOrphan(spec, planned, seen, proof, context) : proof;
  } catch (error) {
    if (error instanceof HarnessError) return { proven: false, evidence: [error.message] };
    throw error;
  }
}

function movedProof(planned: PlannedFailover, { cluster, writable }: Look): Proof {
  const primary = primaryOf(cluster);
  return {
    proven: true,
    evidence: [
      `primary was ${planned.oldPrimary}, is ${primary?.name}`,
      `timeline was ${planned.timeline}, is ${primary?.timeline}`,
      writable === null ? 'no connection in the plan: not shown to be writable' : `${writable?.label} takes writes`,
    ],
  };
}

function restartedInPlace({ oldPrimary, timeline, address }: PlannedFailover, cluster: PatroniCluster): Proof {
  const primary = primaryOf(cluster);
  const now = primary?.name === oldPrimary ? primary.timeline : timeline;
  return {
    proven: true,
    evidence: [
      `the server of ${oldPrimary} was started anew and takes writes again at ${address?.label}`,
      `no failover: it is the primary again, on timeline ${now}, as it was back before the leader key ran out`,
    ],
  };
}

async function withOrphan(
  spec: PostgresFailoverSpec,
  { oldPrimary, address }: PlannedFailover,
  { cluster, writable }: Look,
  proof: Proof,
  context: FaultContext,
): Promise<Proof> {
  const orphan = context.postgresStandbys?.find(({ label }) => label === address?.label);
  const primary = primaryOf(cluster);
  if (orphan === undefined || writable === null || writable === undefined || primary === undefined) return proof;
  const { splitBrain, evidence } = await watchOrphan(
    {
      orphan: { name: oldPrimary, port: orphan },
      primary: { name: primary.name, port: writable },
      prefix: markPrefix(context.runId, spec.id),
      watchMs: spec.durationMs ?? DEFAULT_WATCH_MS,
    },
    context,
  );
  return { ...proof, evidence: [...proof.evidence, ...evidence], ...(splitBrain && { splitBrain }) };
}

/**
 * A member that takes writes: asked directly where the plan names the members, since the application's own address may be what
 * does not recover. `except`: the address of a member that may take writes although it should not.
 */
async function writableMember(context: FaultContext, except: string | undefined): Promise<PostgresPort | null | undefined> {
  const { postgres, postgresStandbys = [], signal } = context;
  const members = (postgresStandbys.length > 0 ? postgresStandbys : postgres === undefined ? [] : [postgres]).filter(
    ({ label }) => label !== except,
  );
  if (members.length === 0) return null;
  const looks = await Promise.allSettled(members.map((member) => member.isWritable({ signal })));
  signal.throwIfAborted();
  return members.find((_, index) => {
    const look = looks[index];
    return look?.status === 'fulfilled' && look.value;
  });
}

async function hasRestarted({ address }: PlannedFailover, context: FaultContext): Promise<boolean> {
  const member = context.postgresStandbys?.find(({ label }) => label === address?.label);
  if (member === undefined || address === undefined || address.startedServerAt === null) return false;
  try {
    const { inRecovery, startedServerAt } = await member.fetchStatus({ signal: context.signal });
    return (
      !inRecovery && startedServerAt !== undefined && startedServerAt > address.startedServerAt && (await member.isWritable())
    );
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof HarnessError) return false;
    throw error;
  }
}

/** The member's own address among those that the plan names: the one primary on that timeline. */
export async function findAddress(
  { timeline }: { readonly timeline: number },
  doors: FaultDoors,
): Promise<PlannedFailover['address']> {
  const members = doors.postgresStandbys ?? [];
  const looks = await Promise.allSettled(members.map((member) => member.fetchStatus()));
  const found = members.flatMap((member, index) => {
    const look = looks[index];
    if (look?.status !== 'fulfilled' || look.value.inRecovery || look.value.timeline !== timeline) return [];
    return [{ label: member.label, startedServerAt: look.value.startedServerAt ?? null }];
  });
  return found.length === 1 ? found[0] : undefined;
}
