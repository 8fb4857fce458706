import { awaitCondition } from '../../src/clients/await-condition.ts';
import type { PostgresStatus } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';
import type { PostgresFailoverSpec } from '../../src/model/plan.ts';
import type { FaultDoors, Revert } from '../fault.ts';
import { requireDoor } from '../require-door.ts';
import { MAX_HEALTHY_LAG_BYTES } from './cluster-health.ts';
import type { FailoverDriver } from './driver.ts';
import { runDatabaseCommand } from './run-command.ts';

const KIND = 'postgres/failover';

/** For databases without Patroni: the plan names the programs, SQL through the application's address shows what came of it. */
export const commandDriver: FailoverDriver = {
  async plan(spec, doors) {
    const target = commandTarget(doors);
    if (spec.mode !== 'switchover' && spec.mode !== 'crash' && spec.mode !== 'failover') {
      throw refused(`${KIND} in mode ${spec.mode} is not for driver command`, 'use switchover, crash or failover');
    }
    const postgres = requireDoor(doors, 'postgres', KIND);
    requireDoor(doors, 'commands', KIND);
    const command = target.commands[spec.mode];
    if (command === undefined || command.length === 0) {
      throw refused(
        `${KIND} in mode ${spec.mode} needs postgres.commands.${spec.mode}`,
        'name the program and its arguments there',
      );
    }
    const status = await postgres.fetchStatus();
    if (status.inRecovery)
      throw refused(`${postgres.label} is a standby, not the primary`, 'give the address that the application writes to');
    const standbys = await countStandbys(status, doors);
    const known = (doors.postgresStandbys?.length ?? 0) > 0;
    if (standbys === 0 && known) {
      throw refused(
        `${postgres.label} has no healthy standby that could take over`,
        'wait until a standby of standbyUrls streams',
      );
    }
    const rejoin = target.commands.rejoin ?? null;
    return {
      target: `primary behind ${postgres.label} (timeline ${status.timeline}), by "${command.join(' ')}"`,
      blastRadius: `the only writable member; ${standbys === 0 ? 'no standby is visible from here' : `${standbys} healthy standbys before`}`,
      undo:
        rejoin === null
          ? 'wait until as many standbys stream as before'
          : `"${rejoin.join(' ')}", then wait until as many standbys stream as before`,
      state: {
        driver: 'command',
        oldPrimary: postgres.label,
        timeline: status.timeline ?? 0,
        standbys,
        candidate: null,
        pod: null,
        command,
        rejoin,
        address: { label: postgres.label, startedServerAt: status.startedServerAt ?? null },
      },
    };
  },

  inject: (spec, planned, context) =>
    runDatabaseCommand(planned.command ?? [], context, { env: environment(spec.id, spec.mode), signal: context.signal }),

  async prove(spec, planned, context) {
    const postgres = requireDoor(context, 'postgres', KIND);
    const startedBefore = planned.address?.startedServerAt ?? null;
    const look = async () => {
      const writable = await postgres.isWritable({ signal: context.signal });
      const { timeline, startedServerAt } = await postgres.fetchStatus({ signal: context.signal });
      return {
        writable,
        timeline,
        anew: startedBefore !== null && startedServerAt !== undefined && startedServerAt !== startedBefore,
      };
    };
    try {
      const { timeline } = await awaitCondition('newPrimary', look, {
        until: (seen) => seen.writable && ((seen.timeline ?? 0) > planned.timeline || seen.anew),
        timeoutMs: spec.proveWithinMs,
        clock: context.clock,
        signal: context.signal,
      });
      const moved =
        (timeline ?? 0) > planned.timeline
          ? `timeline was ${planned.timeline}, is ${timeline}`
          : // Managed services that replicate by storage move without a promotion.
            `the server behind the address was started anew; timeline ${timeline} stays: another instance on the same storage, or the same one`;
      return { proven: true, evidence: [moved, `${postgres.label} takes writes`] };
    } catch (error) {
      if (error instanceof HarnessError) return { proven: false, evidence: [error.message] };
      throw error;
    }
  },

  async revert(undo, doors, { timeoutMs }): Promise<Revert> {
    const postgres = requireDoor(doors, 'postgres', KIND);
    const wanted = Number(undo.data.standbys);
    const notes: string[] = [];
    const startedAt = doors.clock.monotonic();
    try {
      const { rejoin } = undo.data;
      if (Array.isArray(rejoin)) {
        const env = environment(undo.fault, String(undo.data.mode) as PostgresFailoverSpec['mode']);
        notes.push(await runDatabaseCommand(rejoin.map(String), doors, { env, timeoutMs }));
      }
      const look = async () => {
        const status = await postgres.fetchStatus();
        return { inRecovery: status.inRecovery, standbys: await countStandbys(status, doors) };
      };
      const seen = await awaitCondition('standbysStreamAgain', look, {
        until: ({ inRecovery, standbys }) => !inRecovery && standbys >= wanted,
        describe: ({ inRecovery, standbys }) => (inRecovery ? 'no primary' : `${standbys} of ${wanted} standbys healthy`),
        timeoutMs: Math.max(1, timeoutMs - (doors.clock.monotonic() - startedAt)),
        intervalMs: 500,
        clock: doors.clock,
      });
      return { complete: true, detail: [...notes, `${seen.standbys} healthy standbys, ${wanted} before`].join('; ') };
    } catch (error) {
      if (!(error instanceof HarnessError)) throw error;
      return {
        complete: false,
        detail: [...notes, `the old primary is not a healthy standby again: ${error.message}`].join('; '),
      };
    }
  },
};

/** Standbys that stream with a small lag, as the primary sees them; it may not be allowed to, then those that can be asked. */
async function countStandbys(status: PostgresStatus, doors: FaultDoors): Promise<number> {
  const streaming = status.replicas.filter(
    ({ state, replayLagBytes }) => state === 'streaming' && replayLagBytes <= MAX_HEALTHY_LAG_BYTES,
  );
  if (status.replicas.length > 0) return streaming.length;
  const looks = await Promise.allSettled((doors.postgresStandbys ?? []).map((standby) => standby.fetchStatus()));
  return looks.filter((look) => look.status === 'fulfilled' && look.value.inRecovery && look.value.timeline === status.timeline)
    .length;
}

function commandTarget(doors: FaultDoors) {
  const target = requireDoor(doors, 'postgresTarget', KIND);
  if (target.driver !== 'command') throw new RangeError(`the command driver got a target of driver ${target.driver}`);
  return target;
}

function environment(fault: string, mode: string): Readonly<Record<string, string>> {
  return { PEAKPROOF_FAULT: fault, PEAKPROOF_MODE: mode };
}

function refused(message: string, hint: string): HarnessError {
  return new HarnessError('ERR_FAULT_UNSUPPORTED', message, { hint });
}
