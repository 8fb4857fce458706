import type { PostgresFailoverSpec } from '../../src/model/plan.ts';
import type { Access, Fault } from '../fault.ts';
import { requireDoor } from '../require-door.ts';
import { cloudNativePgAccess, cloudNativePgDriver } from './cloudnative-pg-driver.ts';
import { commandDriver } from './command-driver.ts';
import type { FailoverDriver, InjectedFailover, PlannedFailover } from './driver.ts';
import { patroniDriver } from './patroni-driver.ts';

const KIND = 'postgres/failover';
/** Within this time Patroni says that it will not do what was asked. */
const REFUSAL_MS = 300;

const DRIVERS: Readonly<Record<PlannedFailover['driver'], FailoverDriver>> = {
  patroni: patroniDriver,
  command: commandDriver,
  'cloudnative-pg': cloudNativePgDriver,
};

const PODS: Access = { verb: 'list', group: '', resource: 'pods' };
const DELETE_PODS: Access = { verb: 'delete', group: '', resource: 'pods' };
const EXEC: readonly Access[] = ['get', 'create'].map((verb) => ({ verb, group: '', resource: 'pods', subresource: 'exec' }));

export const failover: Fault<PostgresFailoverSpec, PlannedFailover, InjectedFailover> = {
  kind: KIND,
  summary:
    'moves the PostgreSQL primary: switchover, crash, forced failover, stop of Patroni alone (split brain), crash with frozen replication, fence',
  needs: ['postgresTarget'],
  // It depends on mode and driver whether Kubernetes is asked at all.
  access: [],

  accessFor({ mode }, { postgresTarget, kubernetes }) {
    if (postgresTarget?.driver === 'cloudnative-pg') return cloudNativePgAccess(mode);
    if (postgresTarget?.driver !== 'patroni' || kubernetes === undefined) return [];
    const { commands } = postgresTarget;
    const crash = commands?.crash === undefined ? [PODS, DELETE_PODS, ...EXEC] : [];
    if (mode === 'crash') return crash;
    if (mode === 'kill-patroni') return commands?.killPatroni === undefined ? [PODS, ...EXEC] : [];
    if (mode === 'frozen-walsender') {
      if (commands?.freezeWalsenders === undefined) return [PODS, ...EXEC];
      return crash;
    }
    return [];
  },

  plan: (spec, doors) => DRIVERS[requireDoor(doors, 'postgresTarget', KIND).driver].plan(spec, doors),

  async inject(spec, plan, context, started) {
    const { driver: name, oldPrimary, timeline, rejoin } = plan.state;
    const driver = DRIVERS[name];
    const prepared = (await driver.prepare?.(spec, plan.state, context)) ?? {};
    await context.openUndo({
      fault: spec.id,
      kind: KIND,
      action: plan.undo,
      data: {
        driver: name,
        mode: spec.mode,
        oldPrimary,
        timeline,
        standbys: plan.state.standbys,
        ...(rejoin ? { rejoin } : {}),
        ...prepared,
      },
    });
    context.signal.throwIfAborted();
    const injectedAt = context.clock.now();
    const touch = Promise.withResolvers<void>();
    const answer = driver.inject(spec, plan.state, context, { touched: touch.resolve, prepared });
    const early = { injectedAt, detail: `asked for ${spec.mode} of ${oldPrimary}`, state: { asked: true as const } };
    // A refusal comes at once, a switchover answers only when it is over: what was not refused by then is under way.
    const underWay =
      driver.tellsTouch?.(spec.mode) === true
        ? touch.promise
        : context.clock.sleep(REFUSAL_MS, { signal: context.signal }).catch((error: unknown) => {
            if (!context.signal.aborted) throw error;
          });
    await Promise.race([answer, underWay]);
    started(early);
    const detail = await answer;
    return { ...early, detail };
  },

  prove: (spec, plan, _injection, context) => DRIVERS[plan.state.driver].prove(spec, plan.state, context),

  revert: (undo, doors, options) => DRIVERS[driverIn(undo.data.driver)].revert(undo, doors, options),
};

function driverIn(name: unknown): PlannedFailover['driver'] {
  return name === 'command' || name === 'cloudnative-pg' ? name : 'patroni';
}
