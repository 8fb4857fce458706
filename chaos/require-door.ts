import { HarnessError } from '../src/errors.ts';
import type { FaultDoors } from './fault.ts';

const SECTIONS: Partial<Record<keyof FaultDoors, string>> = {
  postgresTarget: 'postgres',
  redisTarget: 'redis',
  sentinel: 'redis.sentinels',
};

/** Throws ERR_FAULT_UNSUPPORTED naming the section of the plan that is missing. */
export function requireDoor<Name extends keyof FaultDoors>(
  doors: FaultDoors,
  name: Name,
  fault: string,
): NonNullable<FaultDoors[Name]> {
  const door = doors[name];
  if (door !== undefined && door !== null) return door as NonNullable<FaultDoors[Name]>;
  const section = SECTIONS[name] ?? name;
  throw new HarnessError('ERR_FAULT_UNSUPPORTED', `${fault} needs ${section}, which this plan does not open`, {
    hint: `add the section "${section}" to the plan, or leave the fault out`,
  });
}
