import type { PostgresFailoverSpec } from '../../src/model/plan.ts';
import type { Fault } from '../fault.ts';
import { requireDoor } from '../require-door.ts';
import { commandDriver } from './command-driver.ts';
import type { InjectedFailover, PlannedFailover } from './driver.ts';
import { patroniDriver } from './patroni-driver.ts';

const KIND = 'postgres/failover';
/** Within this time Patroni says that it will not do what was asked. */
const REFUSAL_MS = 300;

export const failover: Fault<PostgresFailoverSpec, PlannedFailover, InjectedFailover> = {
  kind: KIND,
  summary: 'moves the PostgreSQL primary: planned switchover, crash of the primary, or forced failover',
  needs: ['postgresTarget'],
  // Only a crash through Kubernetes deletes a pod; its plan asks for that permission itself.
  access: [],

  plan: (spec, doors) => driverOf(requireDoor(doors, 'postgresTarget', KIND).driver).plan(spec, doors),

  async inject(spec, plan, context, started) {
    const { driver, oldPrimary, timeline, rejoin } = plan.state;
    await context.openUndo({
      fault: spec.id,
      kind: KIND,
      action: plan.undo,
      data: { driver, mode: spec.mode, oldPrimary, timeline, standbys: plan.state.standbys, ...(rejoin ? { rejoin } : {}) },
    });
    context.signal.throwIfAborted();
    const injectedAt = context.clock.now();
    const answer = driverOf(driver).inject(spec, plan.state, context);
    const early = { injectedAt, detail: `asked for ${spec.mode} of ${oldPrimary}`, state: { asked: true as const } };
    // A refusal comes at once, a switchover answers only when it is over: what was not refused by then is under way.
    const underWay = context.clock.sleep(REFUSAL_MS, { signal: context.signal }).catch((error: unknown) => {
      if (!context.signal.aborted) throw error;
    });
    await Promise.race([answer, underWay]);
    started(early);
    const detail = await answer;
    return { ...early, detail };
  },

  prove: (spec, plan, _injection, context) => driverOf(plan.state.driver).prove(spec, plan.state, context),

  revert: (undo, doors, options) => driverOf(undo.data.driver === 'command' ? 'command' : 'patroni').revert(undo, doors, options),
};

function driverOf(name: 'patroni' | 'command') {
  return name === 'patroni' ? patroniDriver : commandDriver;
}
