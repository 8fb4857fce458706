/** Is Redis on the application's path at all? A flood that nobody but the harness is connected to says nothing. */

import type { RedisPort } from '../../src/clients/ports.ts';
import { OWN_CLIENT_NAME } from '../../src/clients/redis.ts';

export interface OtherClients {
  readonly count: number;
  /** For the evidence. */
  readonly told: string;
}

/** Connections that are not the harness's own. An account that may not list them cannot show that there are any. */
export async function fetchOtherClients(redis: RedisPort): Promise<OtherClients> {
  let list: string;
  try {
    list = String(await redis.command('CLIENT', ['LIST']));
  } catch (error) {
    if (error instanceof Error && /NOPERM|unknown command/i.test(error.message))
      return {
        count: 0,
        told: 'the account may not run CLIENT LIST, so it cannot be shown that the application uses this Redis',
      };
    throw error;
  }
  const names = list
    .split('\n')
    .filter((line) => line.trim() !== '' && !isPlumbing(line))
    .map((line) => /(?:^|\s)name=(\S*)/.exec(line)?.[1] ?? '')
    .filter((name) => !name.startsWith(OWN_CLIENT_NAME));
  const count = names.length;
  if (count === 0)
    return { count, told: 'nobody but the harness is connected: this Redis is not on the path of the application' };
  const known = [...new Set(names.filter((name) => name !== ''))];
  return { count, told: `${count} connections of others${known.length === 0 ? '' : ` (${known.join(', ')})`}` };
}

/** Replicas, masters and Sentinels are connected whether anybody uses this Redis or not. */
function isPlumbing(line: string): boolean {
  return /(?:^|\s)flags=\S*[SM]/.test(line) || /(?:^|\s)name=sentinel-/.test(line);
}
