/** The lab's Redis: one server, in memory only, on the loopback address. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { LabError } from '../lab-error.ts';
import { awaitCondition, WAITS } from '../wait.ts';
import type { FoundRedis } from './find.ts';

/** What happens when the memory is full; names of Redis. */
export const REDIS_POLICIES = [
  'noeviction',
  'allkeys-lru',
  'allkeys-lfu',
  'allkeys-random',
  'volatile-lru',
  'volatile-lfu',
  'volatile-random',
  'volatile-ttl',
] as const;
export type RedisPolicy = (typeof REDIS_POLICIES)[number];

export interface RedisOptions {
  readonly found: FoundRedis;
  readonly port: number;
  readonly directory: string;
  readonly maxMemoryMiB: number;
  readonly policy: RedisPolicy;
  readonly maxClients: number;
  readonly logDescriptor: number;
  readonly onSpawn: (pid: number) => void;
}

export class RedisServer {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(options: RedisOptions): Promise<RedisServer> {
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
    const config = join(options.directory, 'redis.conf');
    writeFileSync(config, redisConfig(options));
    const child = spawn(options.found.path, [config], {
      cwd: options.directory,
      stdio: ['ignore', options.logDescriptor, options.logDescriptor],
      detached: true,
    });
    const failed = new Promise<never>((_, reject) => {
      child.once('error', (error) => reject(new LabError(`Redis did not start: ${error.message}`)));
      child.once('exit', (code) => reject(new LabError(`Redis ended with ${code}; see lab.log in the lab's folder`)));
    });
    failed.catch(() => undefined);
    if (child.pid !== undefined) options.onSpawn(child.pid);
    const answered = awaitCondition('Redis to answer', () => ping(options.port), { timeoutMs: WAITS.redisAnswers });
    await Promise.race([answered, failed]);
    return new RedisServer(child);
  }

  get pid(): number | null {
    return this.#child.exitCode === null && this.#child.signalCode === null ? (this.#child.pid ?? null) : null;
  }

  async stop(): Promise<void> {
    if (this.pid === null) return;
    const gone = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    // Nothing in it is worth a shutdown in good order, and a server busy with a script would not hear SIGTERM.
    this.#child.kill('SIGKILL');
    await gone;
  }
}

function redisConfig(options: RedisOptions): string {
  return [
    'bind 127.0.0.1',
    'protected-mode yes',
    `port ${options.port}`,
    `dir "${options.directory}"`,
    `maxmemory ${options.maxMemoryMiB}mb`,
    `maxmemory-policy ${options.policy}`,
    `maxclients ${options.maxClients}`,
    'save ""',
    'appendonly no',
    'daemonize no',
    'loglevel warning',
    '',
  ].join('\n');
}

function ping(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' }, () => socket.write('PING\r\n'));
    const end = (value: true | undefined): void => {
      socket.destroy();
      resolve(value);
    };
    socket.setTimeout(1_000, () => end(undefined));
    socket.once('data', (data) => end(data.toString().startsWith('+PONG') ? true : undefined));
    socket.once('error', () => end(undefined));
  });
}
