/** What a lab is started with. */
import { LabError } from './lab-error.ts';
import type { Sabotage } from './pod-runtime.ts';
import { REDIS_POLICIES, type RedisPolicy } from './redis/server.ts';

export interface LabOptions {
  readonly name: string;
  readonly dir: string;
  readonly workersMin: number;
  readonly workersMax: number;
  /** Nodes of its Kubernetes API, all of them this machine. */
  readonly nodes: number;
  readonly synchronous: boolean;
  readonly redisMaxMemoryMiB: number;
  /** Of the ERP's address; null: a free one. */
  readonly ingressPort: number | null;
  readonly redisPolicy: RedisPolicy;
  readonly sabotage: Sabotage;
  /** The lab goes when this process does. */
  readonly parentPid: number | null;
}

const WITH_NUMBER = ['lose-acknowledged-writes', 'duplicate-orders', 'duplicate-invoices', 'unbalanced-entries'] as const;
const SWITCHES = ['never-recover', 'ignore-scale-up', 'redis-not-on-path', 'slow-baseline', 'kill-does-nothing'] as const;

/** Names that `--sabotage` takes, for help texts. */
export const SABOTAGE_NAMES: readonly string[] = [...WITH_NUMBER.map((name) => `${name}=N`), ...SWITCHES];

/** @throws LabError naming the switch that is not one, or lacks its number. */
export function parseSabotage(switches: readonly string[]): Sabotage {
  const entries = switches.map((text): readonly [string, number | true] => {
    const [name = '', number] = text.split('=');
    if ((WITH_NUMBER as readonly string[]).includes(name)) {
      const count = number === undefined ? 1 : Number(number);
      if (!Number.isInteger(count) || count < 1)
        throw new LabError(`--sabotage ${text}: ${name} takes a whole number of 1 or more`);
      return [name, count];
    }
    if (!(SWITCHES as readonly string[]).includes(name)) {
      throw new LabError(`--sabotage ${text}: there is no such switch`, { hint: `there are ${SABOTAGE_NAMES.join(', ')}` });
    }
    if (number !== undefined) throw new LabError(`--sabotage ${text}: ${name} takes no number`);
    return [name, true];
  });
  return Object.fromEntries(entries) as Sabotage;
}

/** A whole number in a range, from the command line. @throws LabError naming the option. */
export function parseCount(option: string, text: string, range: { readonly min: number; readonly max: number }): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < range.min || value > range.max) {
    throw new LabError(`${option} ${text}: must be a whole number from ${range.min} to ${range.max}`);
  }
  return value;
}

/** @throws LabError when Redis has no such policy. */
export function parseRedisPolicy(text: string): RedisPolicy {
  const policy = REDIS_POLICIES.find((name) => name === text);
  if (policy === undefined) {
    throw new LabError(`--redis-policy ${text}: there is no such policy`, { hint: `Redis has ${REDIS_POLICIES.join(', ')}` });
  }
  return policy;
}

/** A name becomes a folder and a Kubernetes context. @throws LabError */
export function parseLabName(text: string): string {
  if (!/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/.test(text)) {
    throw new LabError(`--name ${text}: must be 1 to 40 lower-case letters, digits and dashes, no dash at the ends`);
  }
  return text;
}
