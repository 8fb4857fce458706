/** A real Redis for one test file, on a free port, gone afterwards. */
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRedis } from '../../lab/processes/redis/find.ts';
import { type RedisPolicy, RedisServer } from '../../lab/processes/redis/server.ts';

export interface TestRedis {
  readonly url: string;
  readonly version: string;
  stop(): Promise<void>;
}

export async function startTestRedis(options: {
  policy: RedisPolicy;
  maxMemoryMiB: number;
  maxClients: number;
}): Promise<TestRedis> {
  const directory = mkdtempSync(join(tmpdir(), 'peakproof-redis-'));
  const logDescriptor = openSync(join(directory, 'redis.log'), 'a');
  const clean = (): void => {
    closeSync(logDescriptor);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const found = await findRedis();
    const port = await freePort();
    const server = await RedisServer.start({ ...options, found, port, directory, logDescriptor, onSpawn: () => {} });
    return {
      url: `redis://127.0.0.1:${port}/0`,
      version: found.version,
      async stop() {
        await server.stop();
        clean();
      },
    };
  } catch (error) {
    clean();
    throw error;
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
