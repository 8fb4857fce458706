/**
 * One master, two replicas and three Sentinels, real ones, on free loopback ports; all of it gone after `stop`. Servers can be
 * killed, frozen and started again by their port.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRedis } from '../../lab/processes/redis/find.ts';
import { awaitCondition } from '../../src/clients/await-condition.ts';
import { systemClock } from '../../src/clients/clock.ts';
import { createRedisPort } from '../../src/clients/redis.ts';
import { createSentinelPort } from '../../src/clients/sentinel.ts';
import type { RedisTarget } from '../../src/model/plan.ts';

export interface RedisTrioOptions {
  /** Path of the server program; default: what the lab finds. */
  readonly program?: string;
  readonly downAfterMs?: number;
  readonly failoverTimeoutMs?: number;
  readonly minReplicasToWrite?: number;
}

/** Servers and Sentinels ask for different passwords. */
const PASSWORDS = { server: 'of-the-servers', sentinel: 'of-the-sentinels' } as const;

export interface RedisTrio {
  readonly version: string;
  readonly directory: string;
  /** Servers first, then Sentinels. */
  readonly serverPorts: readonly number[];
  readonly sentinelPorts: readonly number[];
  /** As a plan names it; its secrets are in `env`. */
  readonly target: RedisTarget;
  readonly env: Readonly<Record<string, string>>;
  /** Of the process that listens on this port; null when it is dead. */
  pid(port: number): number | null;
  /** SIGKILL, and its end. */
  kill(port: number): Promise<void>;
  signal(port: number, signal: NodeJS.Signals): void;
  /** The server or Sentinel of this port again, with its own (rewritten) configuration. */
  restart(port: number): Promise<void>;
  /** Two replicas in sync, three Sentinels that see each other, no failover under way. */
  awaitWhole(timeoutMs?: number): Promise<void>;
  stop(): Promise<void>;
}

export const GROUP = 'sessions';

interface Running {
  readonly config: string;
  readonly sentinel: boolean;
  child: ChildProcess;
}

export async function startRedisTrio(options: RedisTrioOptions = {}): Promise<RedisTrio> {
  const found = await findRedis();
  const program = options.program ?? found.path;
  const directory = mkdtempSync(join(tmpdir(), 'peakproof-trio-'));
  const [first = 0, second = 0, third = 0, ...sentinelPorts] = await freePorts(6);
  const serverPorts = [first, second, third];
  const running = new Map<number, Running>();
  const target: RedisTarget = {
    url: `redis://127.0.0.1:${first}/0`,
    password: { env: 'TRIO_SERVER_PASSWORD' },
    sentinels: {
      urls: sentinelPorts.map((port) => `redis://127.0.0.1:${port}`),
      master: GROUP,
      password: { env: 'TRIO_SENTINEL_PASSWORD' },
    },
  };
  const sentinel = createSentinelPort({
    urls: target.sentinels?.urls ?? [],
    master: GROUP,
    password: PASSWORDS.sentinel,
    servers: { tls: false, password: PASSWORDS.server },
  });

  const launch = (port: number, config: string, isSentinel: boolean): void => {
    const child = spawn(program, [config, ...(isSentinel ? ['--sentinel'] : [])], {
      cwd: join(directory, String(port)),
      stdio: 'ignore',
    });
    running.set(port, { config, sentinel: isSentinel, child });
  };
  const write = (port: number, lines: readonly string[]): string => {
    mkdirSync(join(directory, String(port)));
    const config = join(directory, String(port), 'redis.conf');
    writeFileSync(config, `${lines.join('\n')}\n`);
    return config;
  };
  const answers = (port: number): Promise<void> => {
    const password = running.get(port)?.sentinel ? PASSWORDS.sentinel : PASSWORDS.server;
    const server = createRedisPort({ url: `redis://127.0.0.1:${port}`, password });
    return awaitCondition(`an answer at port ${port}`, () => server.command('PING', []), {
      until: (answer) => answer === 'PONG',
      timeoutMs: 15_000,
      intervalMs: 50,
      clock: systemClock,
    }).then(
      () => server.close(),
      async (error: unknown) => {
        await server.close();
        throw error;
      },
    );
  };
  const kill = async (port: number): Promise<void> => {
    const child = running.get(port)?.child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGKILL');
    await gone;
  };

  const trio: RedisTrio = {
    version: found.version,
    directory,
    serverPorts,
    sentinelPorts,
    target,
    env: { TRIO_SERVER_PASSWORD: PASSWORDS.server, TRIO_SENTINEL_PASSWORD: PASSWORDS.sentinel },
    pid(port) {
      const child = running.get(port)?.child;
      return child === undefined || child.exitCode !== null || child.signalCode !== null ? null : (child.pid ?? null);
    },
    kill,
    signal(port, signal) {
      running.get(port)?.child.kill(signal);
    },
    async restart(port) {
      const one = running.get(port);
      if (one === undefined) throw new Error(`no server of this trio has port ${port}`);
      if (trio.pid(port) === null) launch(port, one.config, one.sentinel);
      await answers(port);
    },
    async awaitWhole(timeoutMs = 45_000) {
      await awaitCondition('a whole trio', () => Promise.all([sentinel.fetchGroup(), sentinel.checkQuorum()]), {
        until: ([group, quorum]) =>
          quorum.held &&
          group.sentinels === 3 &&
          group.answered === 3 &&
          group.flags.join() === 'master' &&
          group.replicas.length === 2 &&
          group.replicas.every(({ flags, linkUp }) => linkUp && flags.join() === 'slave'),
        timeoutMs,
        intervalMs: 100,
        clock: systemClock,
      });
    },
    async stop() {
      await sentinel.close();
      await Promise.all([...running.keys()].map(kill));
      rmSync(directory, { recursive: true, force: true });
    },
  };
  try {
    for (const port of serverPorts) {
      launch(port, write(port, serverConfig(port, port === first ? null : first, join(directory, String(port)), options)), false);
    }
    await Promise.all(serverPorts.map(answers));
    for (const port of sentinelPorts)
      launch(port, write(port, sentinelConfig(port, first, join(directory, String(port)), options)), true);
    await trio.awaitWhole();
    return trio;
  } catch (error) {
    await trio.stop();
    throw error;
  }
}

function serverConfig(port: number, master: number | null, directory: string, { minReplicasToWrite = 0 }: RedisTrioOptions) {
  return [
    'bind 127.0.0.1',
    `port ${port}`,
    `dir ${directory}`,
    'save ""',
    'appendonly no',
    `requirepass ${PASSWORDS.server}`,
    `masterauth ${PASSWORDS.server}`,
    'repl-diskless-sync-delay 0',
    'repl-ping-replica-period 1',
    `min-replicas-to-write ${minReplicasToWrite}`,
    'min-replicas-max-lag 2',
    ...(master === null ? [] : [`replicaof 127.0.0.1 ${master}`]),
  ];
}

function sentinelConfig(
  port: number,
  master: number,
  directory: string,
  { downAfterMs = 1_000, failoverTimeoutMs = 6_000 }: RedisTrioOptions,
) {
  return [
    'bind 127.0.0.1',
    `port ${port}`,
    `dir ${directory}`,
    `sentinel monitor ${GROUP} 127.0.0.1 ${master} 2`,
    `sentinel down-after-milliseconds ${GROUP} ${downAfterMs}`,
    `sentinel failover-timeout ${GROUP} ${failoverTimeoutMs}`,
    `sentinel parallel-syncs ${GROUP} 2`,
    `requirepass ${PASSWORDS.sentinel}`,
    `sentinel sentinel-pass ${PASSWORDS.sentinel}`,
    `sentinel auth-pass ${GROUP} ${PASSWORDS.server}`,
  ];
}

/** Taken all at once, so that none is given twice. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise<typeof server>((resolve, reject) => {
        server.once('error', reject);
        server.listen(0, '127.0.0.1', () => resolve(server));
      });
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
