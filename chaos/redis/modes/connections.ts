import type { RedisPort } from '../../../src/clients/ports.ts';
import { infoNumber, type RedisInfo } from '../../../src/clients/redis-info.ts';
import { HarnessError } from '../../../src/errors.ts';
import { type FloodMode, type FloodRun, pause } from '../flood-mode.ts';

const BATCH = 25;
/** Between two tries to take a place that somebody else left. */
const RETRY_MS = 250;
const MIN_REFUSED = 3;

/** Takes every free connection, and each that becomes free, until new clients are refused. */
export const connectionsMode: FloodMode = {
  async describe(spec, redis, info) {
    const limit = await readMaxClients(redis, info);
    const connected = infoNumber(info, 'connected_clients');
    const needed = limit - connected;
    if (needed > spec.maxConnections) {
      throw new HarnessError(
        'ERR_BLAST_RADIUS',
        `reaching maxclients ${limit} of Redis ${redis.label} takes ${needed} connections (${connected} are open), maxConnections allows ${spec.maxConnections}`,
        { hint: 'raise maxConnections of this fault; each costs a file descriptor here and there' },
      );
    }
    return {
      target: `connections of Redis ${redis.label}: ${connected} of ${limit} open`,
      blastRadius: `at most ${spec.maxConnections} connections; every client that has to connect anew`,
      undo: 'close its own connections',
      prediction: 'clients that are connected go on; new ones get "max number of clients reached"',
    };
  },

  async run(run) {
    const startedAt = run.clock.monotonic();
    const open: RedisPort[] = [];
    let refused = 0;
    try {
      let going = true;
      while (going) {
        const room = run.spec.maxConnections - open.length;
        const outcomes = await openMany(run, refused > 0 ? Math.min(1, room) : Math.min(BATCH, room));
        open.push(...outcomes.open);
        refused += outcomes.refused;
        run.begin();
        run.progress.sent += outcomes.open.length;
        going = await pause(run, startedAt, refused > 0 || room === 0 ? RETRY_MS : 1);
      }
    } finally {
      await Promise.all(open.map((connection) => connection.close()));
    }
    return `${open.length} connections held, ${refused} refused`;
  },

  judge({ before, now }) {
    const rejected = infoNumber(now, 'rejected_connections') - infoNumber(before, 'rejected_connections');
    return {
      proven: rejected >= MIN_REFUSED,
      evidence: [
        `rejected_connections +${rejected}`,
        `connected_clients ${before.connected_clients ?? '?'} -> ${now.connected_clients ?? '?'}`,
      ],
    };
  },
};

async function openMany({ admin, connectionName, signal }: FloodRun, count: number) {
  const attempts = await Promise.allSettled(
    Array.from({ length: count }, async () => {
      const connection = await admin.connect({ signal });
      try {
        await connection.command('CLIENT', ['SETNAME', connectionName]);
        return connection;
      } catch (error) {
        await connection.close();
        throw error;
      }
    }),
  );
  return {
    open: attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : [])),
    refused: attempts.filter((attempt) => attempt.status === 'rejected').length,
  };
}

/** INFO has it since Redis 6.0; CONFIG may be forbidden. */
async function readMaxClients(redis: RedisPort, info: RedisInfo): Promise<number> {
  const told = infoNumber(info, 'maxclients');
  return told > 0 ? told : Number((await redis.configGet('maxclients')) ?? '10000');
}
