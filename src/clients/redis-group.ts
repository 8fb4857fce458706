/** What Sentinel says about a group, and what each server says about itself: two questions, and during a failover two answers. */
import { withDeadline } from './await-condition.ts';
import type { Clock, RedisPort, SentinelGroup, SentinelPort } from './ports.ts';
import { infoNumber, parseInfo } from './redis-info.ts';
import { toAddress } from './sentinel.ts';
import { timeoutMs } from './timeouts.ts';

export interface ServerLook {
  /** Announced `host:port`. */
  readonly address: string;
  readonly role: 'master' | 'replica' | 'unreachable';
  /** Of a replica: its master as it calls it. */
  readonly masterAddress: string | null;
  readonly linkUp: boolean;
  readonly offset: number;
  /** Why it could not be asked. */
  readonly problem: string | null;
}

export interface GroupLook {
  readonly group: SentinelGroup;
  readonly quorum: { readonly held: boolean; readonly detail: string };
  readonly servers: readonly ServerLook[];
}

export interface Looking {
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** `also`: further addresses, such as that of a former master. Throws only when no Sentinel answers. */
export async function lookAtGroup(
  sentinel: SentinelPort,
  also: readonly string[],
  { clock, signal }: Looking,
): Promise<GroupLook> {
  const waiting = signal === undefined ? {} : { signal };
  const [group, quorum] = await Promise.all([sentinel.fetchGroup(waiting), sentinel.checkQuorum(waiting)]);
  const addresses = new Set([group.master, ...group.replicas.map(({ address }) => address), ...also]);
  const servers = await Promise.all(
    [...addresses].map((address) => lookAtServer(sentinel.server(address), address, { clock, ...waiting })),
  );
  return { group, quorum, servers };
}

/** Never throws but for the signal: a server that is frozen or gone is `unreachable`, and must not hold up the look at the others. */
export async function lookAtServer(port: RedisPort, address: string, { clock, signal }: Looking): Promise<ServerLook> {
  try {
    const limits = { timeoutMs: timeoutMs('redisLook'), clock, ...(signal === undefined ? {} : { signal }) };
    const answer = await withDeadline(`INFO of ${address}`, port.command('INFO', ['replication'], limits), limits);
    const info = parseInfo(String(answer));
    const replica = info.role === 'slave';
    return {
      address,
      role: replica ? 'replica' : 'master',
      masterAddress: replica ? toAddress(info.master_host ?? '', info.master_port ?? '') : null,
      linkUp: info.master_link_status === 'up',
      offset: infoNumber(info, replica ? 'slave_repl_offset' : 'master_repl_offset'),
      problem: null,
    };
  } catch (error) {
    signal?.throwIfAborted();
    const problem = error instanceof Error ? error.message : String(error);
    return { address, role: 'unreachable', masterAddress: null, linkUp: false, offset: 0, problem };
  }
}
