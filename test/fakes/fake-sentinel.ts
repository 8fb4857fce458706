import type { Clock, RedisPort, SentinelPort } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';

export interface FakeServer {
  role: 'master' | 'replica';
  master: string | null;
  linkUp: boolean;
  offset: number;
  down: boolean;
  priority: number;
  /** Default: its own. */
  runId?: string;
}

export interface FakeSentinelOptions {
  readonly clock: Clock;
  /** From SENTINEL FAILOVER, or the death of the master, to the new master being named. */
  readonly promoteMs?: number;
  /** From then to the old master, when it lives, being made a replica. */
  readonly demoteMs?: number;
  /** Failovers are taken and do nothing. */
  readonly failoverDoesNothing?: boolean;
  /** The new master never takes its role up. */
  readonly neverPromoted?: boolean;
  readonly minReplicasToWrite?: number;
  /** What SHUTDOWN does: as Redis 7 (default), as before it, or refused. */
  readonly shutdown?: 'old' | 'forbidden';
  /** `replica-announce-ip` of every server. */
  readonly announces?: string;
}

export interface FakeSentinel extends SentinelPort {
  readonly servers: Map<string, FakeServer>;
  /** What the servers and Sentinels were told, in order. */
  readonly log: string[];
  readonly paused: Set<string>;
  flags: string[];
  quorum: boolean;
  epoch: number;
  master: string;
  /** SIGKILL. */
  kill(address: string): void;
}

/** A master at 10.0.0.1:6379 and replicas at .2 and .3, watched by three Sentinels. */
export function createFakeSentinel(options: FakeSentinelOptions): FakeSentinel {
  const { clock, promoteMs = 1_000, demoteMs = 9_000, minReplicasToWrite = 0 } = options;
  const address = (number: number): string => `10.0.0.${number}:6379`;
  const replica = (): FakeServer => ({
    role: 'replica',
    master: address(1),
    linkUp: true,
    offset: 100,
    down: false,
    priority: 100,
  });
  const timers: { readonly at: number; readonly run: () => void }[] = [];
  const after = (ms: number, run: () => void): void => {
    timers.push({ at: clock.monotonic() + ms, run });
  };
  const settle = (): void => {
    for (const timer of timers.splice(0).sort((one, other) => one.at - other.at)) {
      if (timer.at <= clock.monotonic()) timer.run();
      else timers.push(timer);
    }
  };
  const follow = (server: FakeServer, master: string): void => {
    Object.assign(server, { role: 'replica', master, linkUp: true });
  };
  const promote = (): void => {
    const old = fake.master;
    const [next] = [...fake.servers].find(([, server]) => server.role === 'replica' && server.linkUp && !server.down) ?? [];
    if (next === undefined || options.failoverDoesNothing === true) return;
    fake.master = next;
    fake.epoch += 1;
    fake.flags = ['master'];
    const server = fake.servers.get(next);
    if (server !== undefined && options.neverPromoted !== true) Object.assign(server, { role: 'master', master: null });
    for (const [other, its] of fake.servers) if (other !== next && other !== old) follow(its, next);
    after(demoteMs, () => {
      const former = fake.servers.get(old);
      if (former !== undefined && !former.down) follow(former, next);
    });
  };
  const execute = (at: string, name: string, args: readonly string[]): unknown => {
    settle();
    const server = fake.servers.get(at);
    if (server === undefined || server.down) throw new HarnessError('ERR_REDIS', `${at}: connect ECONNREFUSED`);
    if (name !== 'INFO') fake.log.push(`${at} ${[name, ...args].join(' ')}`);
    if (name === 'SHUTDOWN') {
      if (options.shutdown === 'forbidden') throw new HarnessError('ERR_REDIS', 'NOPERM this user has no permissions');
      if (options.shutdown === 'old' && args.length > 1) throw new HarnessError('ERR_REDIS', 'ERR syntax error');
      fake.kill(at);
      throw new HarnessError('ERR_REDIS', `${at}: Connection is closed.`);
    }
    if (name === 'CLIENT' && args[0] === 'PAUSE') fake.paused.add(at);
    if (name === 'CLIENT' && args[0] === 'UNPAUSE') fake.paused.delete(at);
    if (name === 'REPLICAOF') follow(server, `${args[0]}:${args[1]}`);
    if (name !== 'INFO') return 'OK';
    const [host, port] = (server.master ?? '').split(':');
    return server.role === 'master'
      ? `role:master\r\nmaster_repl_offset:${server.offset}`
      : `role:slave\r\nmaster_host:${host}\r\nmaster_port:${port}\r\nmaster_link_status:${server.linkUp ? 'up' : 'down'}\r\nslave_repl_offset:${server.offset}`;
  };
  const portOf = (at: string): RedisPort => ({
    label: at,
    host: at.split(':')[0] ?? '',
    info: async () => ({}),
    configGet: async (name) => {
      if (name === 'replica-announce-ip') return options.announces ?? '';
      return name === 'min-replicas-to-write' ? String(minReplicasToWrite) : '10';
    },
    command: async (name, args) => execute(at, name, args.map(String)),
    pipeline: async () => [],
    connect: async () => portOf(at),
    close: async () => undefined,
  });
  const fake: FakeSentinel = {
    group: 'sessions',
    label: '"sessions" of Sentinel s1, s2, s3',
    servers: new Map([
      [address(1), { ...replica(), role: 'master', master: null }],
      [address(2), replica()],
      [address(3), replica()],
    ]),
    log: [],
    paused: new Set(),
    flags: ['master'],
    quorum: true,
    epoch: 7,
    master: address(1),
    async fetchGroup() {
      settle();
      const replicas = [...fake.servers].filter(([at]) => at !== fake.master);
      return {
        name: 'sessions',
        master: fake.master,
        flags: fake.flags,
        runId: fake.servers.get(fake.master)?.runId ?? `run of ${fake.master}`,
        configEpoch: fake.epoch,
        quorum: 2,
        downAfterMs: 1_000,
        failoverTimeoutMs: 6_000,
        replicas: replicas.map(([at, { linkUp, down, priority, runId }]) => ({
          address: at,
          flags: down ? ['s_down', 'slave', 'disconnected'] : ['slave'],
          linkUp: linkUp && !down,
          priority,
          runId: runId ?? `run of ${at}`,
        })),
        sentinels: 3,
        answered: 3,
      };
    },
    checkQuorum: async () =>
      fake.quorum
        ? { held: true, detail: 'OK 3 usable Sentinels' }
        : { held: false, detail: 'NOQUORUM 1 usable Sentinels. Not enough available Sentinels to reach the specified quorum' },
    async failover() {
      fake.log.push('SENTINEL FAILOVER');
      fake.flags = ['master', 'failover_in_progress'];
      after(promoteMs, promote);
      return 'began';
    },
    server: portOf,
    close: async () => undefined,
    kill(at) {
      const server = fake.servers.get(at);
      if (server === undefined || server.down) return;
      server.down = true;
      if (at === fake.master) after(promoteMs, promote);
    },
  };
  return fake;
}
