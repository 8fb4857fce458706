/** Whether a group of Redis servers under Sentinel is whole, and what keeps it from being so. Pure. */
import type { SentinelGroup, SentinelReplica } from '../../../src/clients/ports.ts';
import type { GroupLook, ServerLook } from '../../../src/clients/redis-group.ts';

const NOT_HEALTHY: ReadonlySet<string> = new Set(['s_down', 'o_down', 'disconnected', 'master_down']);

/** Could be promoted, as Sentinel sees it. */
export function canTakeOver({ flags, linkUp, priority }: SentinelReplica): boolean {
  return linkUp && priority > 0 && !flags.some((flag) => NOT_HEALTHY.has(flag));
}

export function isDown({ flags }: { readonly flags: readonly string[] }): boolean {
  return flags.some((flag) => flag === 's_down' || flag === 'o_down');
}

/**
 * Two addresses of one process, as Sentinel lists them: a server that is known by one address and announces another. Sentinel
 * would make such a server a replica of itself. Null: there are none.
 */
export function findAlias({ master, runId, flags, replicas }: SentinelGroup): readonly [string, string] | null {
  const living = [{ address: master, runId, flags }, ...replicas].filter((server) => server.runId !== '' && !isDown(server));
  for (const [index, one] of living.entries()) {
    const other = living.slice(0, index).find((before) => before.runId === one.runId);
    if (other !== undefined) return [other.address, one.address];
  }
  return null;
}

/** A replica that follows the master, as it says itself. */
export function followsMaster({ role, linkUp, masterAddress }: ServerLook, look: GroupLook): boolean {
  if (role !== 'replica' || !linkUp) return false;
  // A server may know its master by another name than Sentinel announces; by that of another server of the group it may not.
  return masterAddress === look.group.master || !look.servers.some(({ address }) => address === masterAddress);
}

/** Everything that keeps the group from being whole, in words; empty: it is whole. */
export function problemsOf(look: GroupLook, wantedReplicas: number): readonly string[] {
  const { group, quorum, servers } = look;
  const master = servers.find(({ address }) => address === group.master);
  const others = servers.filter(({ address, role }) => role === 'master' && address !== group.master);
  const alias = findAlias(group);
  const following = servers.filter((server) => followsMaster(server, look)).length;
  return [
    ...(group.flags.includes('failover_in_progress') ? ['a failover is in progress'] : []),
    ...(isDown(group) ? [`Sentinel holds the master ${group.master} for down (${group.flags.join(',')})`] : []),
    ...(master?.role === 'master'
      ? []
      : [`${group.master}, the master by Sentinel, ${master?.problem ?? 'says of itself that it is a replica'}`]),
    ...others.map(({ address }) => `${address} says that it is a master too`),
    ...(following >= wantedReplicas ? [] : [`${following} of ${wantedReplicas} replicas follow ${group.master}`]),
    ...(alias === null ? [] : [`${alias.join(' and ')} are one server, and Sentinel takes them for two`]),
    ...(quorum.held ? [] : [`no quorum: ${quorum.detail}`]),
  ];
}

export function describeLook({ group, servers }: GroupLook): string {
  const told = servers.map(({ address, role, linkUp, problem }) => {
    if (role === 'unreachable') return `${address}: ${problem ?? 'no answer'}`;
    return `${address}: ${role}${role === 'replica' && !linkUp ? ', link down' : ''}`;
  });
  return `Sentinel names ${group.master} (config epoch ${group.configEpoch}); ${told.join('; ')}`;
}
