import type { FaultSpec } from '../src/model/plan.ts';
import type { Fault } from './fault.ts';
import { killPods } from './kubernetes/kill-pods.ts';
import { failover } from './postgres/failover.ts';
import { flood } from './redis/flood.ts';

type AnyFault = Fault<FaultSpec, unknown, unknown>;

/** Every fault that a plan can use. Each is only ever given specs of its own kind, plans it made and injections it gave. */
export const faults = [killPods, failover, flood] as unknown as readonly AnyFault[];

export function faultFor(kind: FaultSpec['kind']): AnyFault {
  const fault = faults.find((candidate) => candidate.kind === kind);
  if (fault === undefined) throw new RangeError(`no fault of kind ${kind}`);
  return fault;
}
