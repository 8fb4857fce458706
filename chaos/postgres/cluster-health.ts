/** What a Patroni cluster's own list of members says about its health. Pure. */
import type { PatroniCluster, PatroniMember } from '../../src/clients/ports.ts';

/** Replay lag up to which a standby counts as caught up, bytes: one WAL segment. */
export const MAX_HEALTHY_LAG_BYTES = 16 * 1024 * 1024;

const RUNNING: ReadonlySet<string> = new Set(['running', 'streaming', 'in archive recovery']);

export function primaryOf(cluster: PatroniCluster): PatroniMember | undefined {
  return cluster.members.find(({ role }) => role === 'primary');
}

export function isStandby({ role }: PatroniMember): boolean {
  return role === 'replica' || role === 'sync_standby';
}

/** Runs, follows the primary's timeline, and is not far behind. */
export function isHealthyStandby(member: PatroniMember, primary: PatroniMember): boolean {
  return (
    isStandby(member) &&
    RUNNING.has(member.state) &&
    member.timeline === primary.timeline &&
    (member.lagBytes ?? Number.POSITIVE_INFINITY) <= MAX_HEALTHY_LAG_BYTES
  );
}

/** The standby that Patroni itself would take: a synchronous one first, then the least behind. */
export function bestCandidate(cluster: PatroniCluster, primary: PatroniMember): PatroniMember | undefined {
  const rank = (member: PatroniMember): number => (member.role === 'sync_standby' ? 0 : 1);
  return cluster.members
    .filter((member) => isHealthyStandby(member, primary))
    .sort((one, other) => rank(one) - rank(other) || (one.lagBytes ?? 0) - (other.lagBytes ?? 0))[0];
}

export function describeMember({ name, role, state, timeline, lagBytes }: PatroniMember): string {
  return `${name}: ${role}, ${state}, timeline ${timeline}${lagBytes === null ? '' : `, lag ${lagBytes} bytes`}`;
}

export function describeCluster(cluster: PatroniCluster): string {
  const members = cluster.members.map(describeMember).join('; ') || 'no members';
  return cluster.paused ? `paused; ${members}` : members;
}

/** For each member but the primary, why it could not take over. */
export function tellWhyNotHealthy(cluster: PatroniCluster, primary: PatroniMember): string {
  const standbys = cluster.members.filter(({ name }) => name !== primary.name);
  if (standbys.length === 0) return `${primary.name} is the only member`;
  return standbys.map((member) => `${member.name}: ${whyNotHealthy(member, primary)}`).join('; ');
}

function whyNotHealthy(member: PatroniMember, primary: PatroniMember): string {
  if (!isStandby(member)) return `is ${member.role}, no standby`;
  if (!RUNNING.has(member.state)) return `is "${member.state}"`;
  if (member.timeline !== primary.timeline) return `is on timeline ${member.timeline}, the primary on ${primary.timeline}`;
  if (member.lagBytes === null) return 'its lag is unknown';
  return `lags ${member.lagBytes} bytes, at most ${MAX_HEALTHY_LAG_BYTES} are allowed`;
}
