/** From the Redis section of a plan to its doors: the server, its Sentinels, and what writes sessions as an application does. */
import type { Clock, RedisPort, SentinelPort, SessionStorePort } from '../clients/ports.ts';
import { createRedisPort } from '../clients/redis.ts';
import { readSecret } from '../clients/secrets.ts';
import { createSentinelPort } from '../clients/sentinel.ts';
import { createSessionStore } from '../clients/session-store.ts';
import type { RedisTarget } from '../model/plan.ts';

export interface RedisDoors {
  /** With Sentinels: whichever server they name as the master when a connection is made. */
  readonly redis: RedisPort;
  readonly sentinel?: SentinelPort;
  readonly sessions: SessionStorePort;
  close(): Promise<void>;
}

/** Opens nothing yet. @throws HarnessError ERR_SECRET_MISSING */
export async function openRedisDoors(target: RedisTarget, env: NodeJS.ProcessEnv, clock: Clock): Promise<RedisDoors> {
  const { url, username, sentinels } = target;
  const password = target.password && readSecret(target.password, env);
  const sentinelPassword = sentinels?.password && readSecret(sentinels.password, env);
  const access = { ...(username && { username }), ...(password && { password }) };
  const sentinel =
    sentinels &&
    createSentinelPort({
      urls: sentinels.urls,
      master: sentinels.master,
      ...(sentinels.username && { username: sentinels.username }),
      ...(sentinelPassword && { password: sentinelPassword }),
      ...(sentinels.addressMap && { addressMap: sentinels.addressMap }),
      servers: { ...access, tls: url.startsWith('rediss:') },
    });
  const follow = sentinel && (async () => reachable((await sentinel.fetchGroup()).master, sentinels?.addressMap));
  const redis = createRedisPort({ url, ...access, ...(follow && { follow }) });
  const sessions = createSessionStore({
    url,
    ...access,
    ...(sentinels && { sentinels }),
    ...(sentinelPassword && { sentinelPassword }),
    clock,
  });
  return {
    redis,
    ...(sentinel && { sentinel }),
    sessions,
    async close() {
      await Promise.allSettled([redis.close(), sentinel?.close()]);
    },
  };
}

function reachable(address: string, addressMap: Readonly<Record<string, string>> = {}): string {
  return addressMap[address] ?? address;
}
