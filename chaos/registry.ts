import type { FaultSpec } from '../src/model/plan.ts';
import type { Fault } from './fault.ts';
import { drainNode } from './kubernetes/drain-node.ts';
import { killPods } from './kubernetes/kill-pods.ts';
import { rollback } from './kubernetes/rollback.ts';
import { rollingUpdate } from './kubernetes/rolling-update.ts';
import { litmusEngine } from './litmus/engine.ts';
import { litmusExternal } from './litmus/external.ts';
import { failover } from './postgres/failover.ts';
import { flood } from './redis/flood.ts';
import { sentinelFailover } from './redis/sentinel-failover.ts';

type AnyFault = Fault<FaultSpec, unknown, unknown>;

/** Every fault that a plan can use. Each is only ever given specs of its own kind, plans it made and injections it gave. */
export const faults = [
  killPods,
  drainNode,
  rollingUpdate,
  rollback,
  failover,
  flood,
  sentinelFailover,
  litmusEngine,
  litmusExternal,
] as unknown as readonly AnyFault[];

export function faultFor(kind: FaultSpec['kind']): AnyFault {
  const fault = faults.find((candidate) => candidate.kind === kind);
  if (fault === undefined) throw new RangeError(`no fault of kind ${kind}`);
  return fault;
}
