import type { RedisPort } from '../../../src/clients/ports.ts';
import { keyCount } from '../../../src/clients/redis-info.ts';
import { HarnessError } from '../../../src/errors.ts';
import type { FloodMode } from '../flood-mode.ts';
import { scanKeys, unlinkKeys } from '../keys.ts';

/** Share of the sessions found that must have gone. */
const MIN_REMOVED_RATIO = 0.9;

/** Removes every session: all users are logged out. Nothing brings them back. */
export const flushSessionsMode: FloodMode = {
  async describe(spec, redis) {
    requireNarrowPattern(spec.sessionPattern);
    const matched = await countKeys(redis, spec.sessionPattern);
    if (matched === 0) {
      throw new HarnessError('ERR_SELECTOR_EMPTY', `no key of Redis ${redis.label} matches ${spec.sessionPattern}`, {
        hint: 'check sessionPattern and the database number in the URL of Redis; are sessions kept in this Redis at all?',
      });
    }
    return {
      target: `${matched} keys ${spec.sessionPattern} of Redis ${redis.label}`,
      blastRadius: 'every user who is logged in',
      undo: 'none: sessions are lost, that is the fault; users log in again',
      prediction: 'everybody is logged out at once, and the logins that follow cost password checks',
    };
  },

  async run({ spec, admin, progress, begin, signal }) {
    for await (const keys of scanKeys(admin, spec.sessionPattern)) {
      progress.matched += keys.length;
      progress.removed += await unlinkKeys(admin, keys);
      begin();
      if (signal.aborted) break;
    }
    begin();
    return `${progress.removed} of ${progress.matched} sessions removed`;
  },

  judge({ before, now, progress }) {
    return {
      proven: progress.removed > 0 && progress.removed >= progress.matched * MIN_REMOVED_RATIO,
      evidence: [
        `Redis removed ${progress.removed} of ${progress.matched} sessions found`,
        `keys in all databases ${keyCount(before)} -> ${keyCount(now)}`,
      ],
    };
  },
};

/** A pattern must name something before its first wildcard: `*` would take carts, caches and locks with it. */
function requireNarrowPattern(pattern: string): void {
  const literal = /^[^*?[\\]*/.exec(pattern)?.[0] ?? '';
  if (literal.length >= 3) return;
  throw new HarnessError('ERR_BLAST_RADIUS', `sessionPattern "${pattern}" could match any key`, {
    hint: 'start it with the prefix of the sessions, like "session:*"',
  });
}

async function countKeys(redis: RedisPort, pattern: string): Promise<number> {
  let count = 0;
  for await (const keys of scanKeys(redis, pattern)) count += keys.length;
  return count;
}
