import type { RedisPort } from '../../src/clients/ports.ts';

const SCAN_COUNT = 1_000;
const UNLINK_BATCH = 500;

/** `prefix` as a pattern for SCAN that matches nothing else. */
export function prefixPattern(prefix: string): string {
  return `${prefix.replace(/[\\*?[\]]/g, '\\$&')}*`;
}

/** Every key that matches, in batches as SCAN gives them; a key may come twice. */
export async function* scanKeys(redis: RedisPort, pattern: string): AsyncGenerator<readonly string[]> {
  let cursor = '0';
  do {
    const [next, keys] = (await redis.command('SCAN', [cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT])) as [string, string[]];
    cursor = next;
    if (keys.length > 0) yield keys;
  } while (cursor !== '0');
}

/** Removes without blocking the server; gives what the server says it removed. */
export async function unlinkKeys(redis: RedisPort, keys: readonly string[]): Promise<number> {
  let removed = 0;
  for (let start = 0; start < keys.length; start += UNLINK_BATCH) {
    removed += Number(await redis.command('UNLINK', keys.slice(start, start + UNLINK_BATCH)));
  }
  return removed;
}

/** Removes every key that starts with `prefix`, and no other. */
export async function removeByPrefix(redis: RedisPort, prefix: string): Promise<number> {
  let removed = 0;
  for await (const keys of scanKeys(redis, prefixPattern(prefix))) {
    removed += await unlinkKeys(
      redis,
      keys.filter((key) => key.startsWith(prefix)),
    );
  }
  return removed;
}
