/** What preflight asks of Redis and its Sentinels, for plans that break it or write sessions to it. */
import { fetchOtherClients } from '../../chaos/redis/other-clients.ts';
import { canTakeOver, findAlias } from '../../chaos/redis/sentinel/group-health.ts';
import { type GroupLook, lookAtGroup } from '../clients/redis-group.ts';
import { HarnessError, type Problem } from '../errors.ts';
import type { Plan } from '../model/plan.ts';
import type { Doors } from './connections.ts';

export interface RedisFindings {
  /** Without this the run cannot say what the plan asks. */
  readonly problems: readonly (Problem & { readonly code: 'ERR_PREFLIGHT' | 'ERR_REDIS' })[];
  readonly warnings: readonly Problem[];
  readonly passed: readonly string[];
}

/** Read only. A Redis that the plan neither breaks nor judges is only warned about. */
export async function checkRedis(plan: Plan, doors: Doors): Promise<RedisFindings> {
  const { redis, sentinel } = doors.faults;
  if (redis === undefined) return { problems: [], warnings: [], passed: [] };
  const breaks = plan.faults.some(({ kind }) => kind.startsWith('redis/'));
  const probed = plan.probes.some(({ service }) => service === 'session-store');
  const found = [
    ...(sentinel === undefined ? [] : [await findingsOf(`redis.sentinels ${sentinel.group}`, () => checkGroup(doors))]),
    await findingsOf(`redis ${redis.label}`, () => checkServer(doors, breaks)),
  ];
  const serious = breaks || probed;
  const issues = found.flatMap(({ issues }) => issues);
  const hard = issues.filter(({ always }) => serious && !always);
  return {
    problems: hard.map(({ problem, code }) => ({ ...problem, code })),
    warnings: issues.filter((issue) => !hard.includes(issue)).map(({ problem }) => problem),
    passed: found.flatMap(({ passed }) => passed),
  };
}

interface Issue {
  readonly problem: Problem;
  readonly code: 'ERR_PREFLIGHT' | 'ERR_REDIS';
  /** Never more than a warning. */
  readonly always: boolean;
}

interface Found {
  readonly issues: readonly Issue[];
  readonly passed: readonly string[];
}

async function findingsOf(
  at: string,
  check: () => Promise<Omit<Found, 'issues'> & { readonly issues: readonly Omit<Issue, 'code'>[] }>,
): Promise<Found> {
  try {
    const { issues, passed } = await check();
    return {
      issues: issues.map((issue) => ({ ...issue, problem: { ...issue.problem, at }, code: 'ERR_PREFLIGHT' as const })),
      passed,
    };
  } catch (error) {
    if (!(error instanceof HarnessError)) throw error;
    const problem = { at, message: error.message, ...(error.hint && { hint: error.hint }) };
    return { issues: [{ problem, code: 'ERR_REDIS', always: false }], passed: [] };
  }
}

async function checkGroup({ faults }: Doors) {
  const { sentinel, clock } = faults;
  if (sentinel === undefined) return { issues: [], passed: [] };
  const look = await lookAtGroup(sentinel, [], { clock });
  const { group, quorum } = look;
  const alias = findAlias(group);
  const issue = (message: string, hint: string) => ({ problem: { at: '', message, hint }, always: false });
  const issues = [
    ...(quorum.held
      ? []
      : [issue(`Sentinel has no quorum: ${quorum.detail}`, 'no failover would happen by itself; start the missing Sentinels')]),
    ...(group.replicas.some(canTakeOver)
      ? []
      : [issue('no replica is connected and could take over', 'start a replica, or wait until it is in sync')]),
    ...(alias === null
      ? []
      : [
          issue(
            `${alias.join(' and ')} are one server, and Sentinel takes them for two`,
            'give it replica-announce-ip with the address that Sentinel monitors, then: redis-cli sentinel reset',
          ),
        ]),
    ...unreachable(look).map(({ address, problem }) =>
      issue(
        `Sentinel announces ${address}, which does not answer from here: ${problem}`,
        'give redis.sentinels.addressMap the address under which it is reached, or let Sentinel forget it: redis-cli sentinel reset',
      ),
    ),
  ];
  const passed = `Sentinel: ${group.master} is the master of "${group.name}", ${group.replicas.length} replicas, ${group.sentinels} Sentinels with quorum ${group.quorum}, down-after ${group.downAfterMs} ms`;
  return { issues, passed: issues.length === 0 ? [passed] : [] };
}

/** Servers that Sentinel itself holds for up: one that is down for everybody is another matter. */
function unreachable({ group, servers }: GroupLook) {
  const up = new Set([group.master, ...group.replicas.filter(canTakeOver).map(({ address }) => address)]);
  return servers.filter(({ address, role }) => role === 'unreachable' && up.has(address));
}

/** Is Redis on the path of the application at all? */
async function checkServer({ faults: { redis } }: Doors, breaks: boolean) {
  if (redis === undefined) return { issues: [], passed: [] };
  const info = await redis.info();
  const others = await fetchOtherClients(redis);
  const passed = [`Redis ${info.redis_version ?? info.valkey_version ?? ''} at ${redis.label}: ${others.told}`];
  if (others.count > 0 || !breaks) return { issues: [], passed };
  // The fault's own proof asks again when it comes, since an application may connect only under load.
  const hint = 'is this the Redis of the application, and does it keep sessions or a cache there?';
  return { issues: [{ problem: { at: '', message: others.told, hint }, always: true }], passed: [] };
}
