/** Web sessions live in Redis only: a flooded or flushed Redis logs people out. */
import { randomBytes } from 'node:crypto';
import type { Cache } from './redis.ts';

const TTL_SECONDS = 7 * 24 * 3_600;
const keyOf = (id: string): string => `session:${id}`;

export interface WebSession {
  readonly uid: number;
  readonly login: string;
}

/** Null when the session could not be stored. */
export async function openWebSession(cache: Cache, session: WebSession): Promise<string | null> {
  const id = randomBytes(20).toString('hex');
  return (await cache.set([[keyOf(id), JSON.stringify(session)]], TTL_SECONDS)) ? id : null;
}

export async function findWebSession(cache: Cache, id: string): Promise<WebSession | null> {
  if (!/^[0-9a-f]{40}$/.test(id)) return null;
  const [text] = await cache.get([keyOf(id)]);
  if (text === null || text === undefined) return null;
  const parsed = JSON.parse(text) as WebSession;
  return { uid: Number(parsed.uid), login: String(parsed.login) };
}

export async function closeWebSession(cache: Cache, id: string): Promise<void> {
  await cache.forget(keyOf(id));
}
