/** Answers of the Patroni REST API, of versions 2 to 4 (role `master` became `primary` or `leader`). Pure. */
import { HarnessError } from '../errors.ts';
import type { PatroniCluster, PatroniConfig, PatroniMember } from './ports.ts';

const ROLES: Readonly<Record<string, PatroniMember['role']>> = {
  leader: 'primary',
  master: 'primary',
  primary: 'primary',
  replica: 'replica',
  sync_standby: 'sync_standby',
  quorum_standby: 'sync_standby',
  standby_leader: 'standby_leader',
};

type Fields = Readonly<Record<string, unknown>>;

export function parseCluster(answer: unknown): PatroniCluster {
  const { members, scope, pause } = fields(answer, '/cluster');
  if (!Array.isArray(members)) throw new HarnessError('ERR_PATRONI', 'GET /cluster answered without a list of members');
  return {
    scope: text(scope),
    paused: pause === true,
    members: members.map((member: unknown) => parseMember(fields(member, '/cluster'))),
  };
}

function parseMember(member: Fields): PatroniMember {
  return {
    name: text(member.name),
    role: ROLES[text(member.role)] ?? 'unknown',
    state: text(member.state),
    host: text(member.host),
    port: number(member.port) ?? 0,
    apiUrl: typeof member.api_url === 'string' ? member.api_url : null,
    timeline: number(member.timeline) ?? 0,
    // "unknown" while the member cannot be asked.
    lagBytes: number(member.lag) ?? number(member.replay_lag) ?? null,
  };
}

/** Defaults as documented by Patroni for keys that the dynamic configuration leaves out. */
export function parseConfig(answer: unknown, version: string): PatroniConfig {
  const config = fields(answer, '/config');
  return {
    ttlSeconds: number(config.ttl) ?? 30,
    loopWaitSeconds: number(config.loop_wait) ?? 10,
    retryTimeoutSeconds: number(config.retry_timeout) ?? 10,
    synchronousMode: config.synchronous_mode === true || config.synchronous_mode === 'on' || config.synchronous_mode === 'quorum',
    primaryStartTimeoutSeconds: number(config.primary_start_timeout) ?? number(config.master_start_timeout) ?? 300,
    version,
  };
}

export function parseVersion(answer: unknown): string {
  const { patroni } = fields(answer, '/patroni');
  return typeof patroni === 'object' && patroni !== null ? text((patroni as Fields).version) : '';
}

/** Name of the cluster as a member tells it; `GET /cluster` has none before Patroni 3.1. */
export function parseScope(answer: unknown): string {
  const { patroni } = fields(answer, '/patroni');
  return typeof patroni === 'object' && patroni !== null ? text((patroni as Fields).scope) : '';
}

export function parseHistory(answer: unknown): readonly { timeline: number; reason: string; serverAt: string }[] {
  if (!Array.isArray(answer)) throw new HarnessError('ERR_PATRONI', 'GET /history answered something else than a list');
  return answer.map((row: unknown) => {
    const [timeline, , reason, serverAt] = Array.isArray(row) ? row : [];
    return { timeline: number(timeline) ?? 0, reason: text(reason), serverAt: text(serverAt) };
  });
}

function fields(value: unknown, path: string): Fields {
  if (typeof value === 'object' && value !== null) return value as Fields;
  throw new HarnessError('ERR_PATRONI', `GET ${path} answered something else than an object`);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
