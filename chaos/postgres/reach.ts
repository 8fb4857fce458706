/**
 * The way into a member, to stop single processes of it: a program in its pod (`pods/exec`), or programs that the plan names.
 * What is stopped is let go on by {@link release}, from the undo record alone.
 */
import { awaitCondition } from '../../src/clients/await-condition.ts';
import { timeoutMs } from '../../src/clients/timeouts.ts';
import { HarnessError } from '../../src/errors.ts';
import type { FaultDoors, UndoEntry } from '../fault.ts';
import { requireDoor } from '../require-door.ts';
import {
  type ContainerProcess,
  isPatroni,
  isPostmaster,
  isWalsender,
  killWithChildren,
  LIST_PROCESSES,
  nameOf,
  parseProcesses,
  parseSignalled,
  signalProcesses,
} from './process-table.ts';
import { runDatabaseCommand } from './run-command.ts';

const KIND = 'postgres/failover';

export type Reach =
  | { readonly way: 'exec'; readonly pod: string; readonly uid: string; readonly container: string | null }
  /** `undo` absent: whoever looks after the member lets it go on. */
  | { readonly way: 'command'; readonly command: readonly string[]; readonly undo: readonly string[] | null };

/** What of a member is stopped: `pid:startTicks`. Nothing of it when programs of the plan do it. */
export interface MemberProcesses {
  readonly patroni: readonly string[];
  readonly walsenders: readonly string[];
  readonly postmaster: string | null;
}

export type ReachingMode = 'crash' | 'kill-patroni' | 'frozen-walsender';

const COMMANDS = {
  'kill-patroni': ['killPatroni', 'restartPatroni'],
  'frozen-walsender': ['freezeWalsenders', 'thawWalsenders'],
} as const;

/** Read only. Throws ERR_FAULT_UNSUPPORTED with the way out when the member cannot be reached into. */
export async function planReach(mode: Exclude<ReachingMode, 'crash'>, primary: string, doors: FaultDoors): Promise<Reach> {
  const target = doors.postgresTarget?.driver === 'patroni' ? doors.postgresTarget : undefined;
  const [deed, undo] = COMMANDS[mode];
  const command = target?.commands?.[deed];
  if (command !== undefined) return { way: 'command', command, undo: target?.commands?.[undo] ?? null };
  const orCommand = `or name a program in postgres.commands.${deed} (and ${undo})`;
  const pod = (await doors.kubernetes?.fetchPods(''))?.find(({ name, deleting }) => name === primary && !deleting);
  if (doors.kubernetes === undefined || doors.podExec === undefined || pod === undefined) {
    const where =
      doors.kubernetes === undefined
        ? 'the plan has no kubernetes section'
        : `${doors.kubernetes.namespace} has no pod of that name`;
    throw refused(
      `${KIND} in mode ${mode} cannot reach into the primary ${primary}: ${where}`,
      `name its namespace, ${orCommand}`,
    );
  }
  return planExec(mode, pod, doors, orCommand);
}

/** Programs in that very pod, allowed and able to find what they are to stop. Throws with the reason when not. */
export async function planExec(
  mode: ReachingMode,
  pod: { readonly name: string; readonly uid: string },
  doors: FaultDoors,
  orElse: string,
): Promise<Reach> {
  const kubernetes = requireDoor(doors, 'kubernetes', KIND);
  for (const verb of ['get', 'create']) {
    if (await kubernetes.allowed({ verb, group: '', resource: 'pods', subresource: 'exec' })) continue;
    const message = `the account may not run programs in pod ${pod.name} of ${kubernetes.namespace} ("${verb} pods/exec")`;
    throw refused(message, `grant "get" and "create" on "pods/exec" in that namespace, ${orElse}`);
  }
  const target = doors.postgresTarget?.driver === 'patroni' ? doors.postgresTarget : undefined;
  const reach = { way: 'exec', pod: pod.name, uid: pod.uid, container: target?.container ?? null } as const;
  await findProcesses(mode, reach, doors);
  return reach;
}

/** Throws ERR_FAULT_UNSUPPORTED when what is to be stopped is not there, or cannot be stopped from inside. */
export async function findProcesses(mode: ReachingMode, reach: Reach, doors: FaultDoors): Promise<MemberProcesses> {
  if (reach.way === 'command') return { patroni: [], walsenders: [], postmaster: null };
  const table = await listProcesses(reach, doors);
  const place = `pod ${reach.pod}${reach.container === null ? '' : `, container ${reach.container}`}`;
  const found = table.filter(isPatroni);
  // Process 1 of a container gets no stopping signal from inside. Patroni as process 1 runs its work in a child, which does.
  const patroni = found.filter(({ pid }) => pid !== 1);
  if (patroni.length === 0) {
    throw refused(
      found.length === 0
        ? `no Patroni runs in ${place}`
        : `Patroni is process 1 of ${place}, which no program inside can stop or kill`,
      found.length === 0
        ? 'name the container that it runs in: postgres.container'
        : 'start it below an init (tini, shareProcessNamespace), or name programs in postgres.commands',
    );
  }
  const postmasters = table.filter(isPostmaster);
  const [postmaster] = postmasters;
  if (postmaster === undefined || postmasters.length > 1) {
    throw refused(`${place} has ${postmasters.length} PostgreSQL servers, not one`, 'name its container: postgres.container');
  }
  if (postmaster.pid === 1) {
    throw refused(`PostgreSQL is process 1 of ${place}, which no program inside can kill`, 'name programs in postgres.commands');
  }
  const server = { patroni: patroni.map(nameOf), postmaster: nameOf(postmaster) };
  if (mode !== 'frozen-walsender') return { ...server, walsenders: [] };
  const walsenders = table.filter((process) => process.parent === postmaster.pid && isWalsender(process));
  if (walsenders.length === 0) throw refused(`no WAL sender runs in ${place}`, 'wait until a standby streams from it');
  return { ...server, walsenders: walsenders.map(nameOf) };
}

/** Stops them for good measure: an error when any still runs afterwards. */
export async function stopProcesses(what: string, names: readonly string[], reach: Reach, doors: FaultDoors): Promise<string> {
  if (reach.way === 'command') throw new RangeError('programs of the plan stop what they stop');
  await execute(signalProcesses('STOP', names), reach, doors);
  const table = await listProcesses(reach, doors);
  const running = names.filter((name) => table.find((process) => nameOf(process) === name)?.state !== 'T');
  if (running.length > 0) {
    throw new HarnessError('ERR_KUBERNETES', `${what} in pod ${reach.pod} was not stopped (${running.join(', ')})`, {
      hint: 'the container must run programs as the user that runs PostgreSQL',
    });
  }
  return `${what} of ${reach.pod} stopped (${names.length} process${names.length === 1 ? '' : 'es'})`;
}

export async function killServer(postmaster: string, reach: Reach, doors: FaultDoors): Promise<void> {
  const said = parseSignalled(await execute(killWithChildren(postmaster), reach, doors));
  const outcome = said.get(Number.parseInt(postmaster, 10));
  if (outcome === 'ok') return;
  throw new HarnessError('ERR_KUBERNETES', `the server ${postmaster} was not killed: ${outcome ?? 'no answer'}`);
}

export interface Released {
  readonly complete: boolean;
  readonly detail: string;
}

/**
 * Undoes the stopping, from the undo record. Patroni is let go on only while its leader key cannot have run out (`resumeUntilAt`):
 * later it would go on in the middle of its loop with a view of the cluster from before, and was seen to take the leader key back
 * from the new primary, whose writes were then lost. So it is ended together with its server, and whoever started it starts it
 * afresh. Of a pod or a process that is another by now there is nothing left.
 */
export async function release(undo: UndoEntry, doors: FaultDoors, limitMs: number): Promise<Released> {
  const reach = undo.data.reach as Reach | undefined;
  if (reach === undefined) return { complete: true, detail: '' };
  try {
    if (reach.way === 'command') {
      if (reach.undo === null) return { complete: true, detail: '' };
      const env = { PEAKPROOF_FAULT: undo.fault, PEAKPROOF_PRIMARY: String(undo.data.oldPrimary) };
      return { complete: true, detail: await runDatabaseCommand(reach.undo, doors, { env, timeoutMs: limitMs }) };
    }
    // A container that starts anew just now takes no programs for a moment.
    const detail = await awaitCondition('stopped processes go on', () => releaseInPod(undo, reach, doors), {
      until: () => true,
      timeoutMs: limitMs,
      intervalMs: 1_000,
      clock: doors.clock,
    });
    return { complete: true, detail };
  } catch (error) {
    if (!(error instanceof HarnessError)) throw error;
    return { complete: false, detail: `what was stopped in the member does not go on: ${error.message}` };
  }
}

async function releaseInPod(undo: UndoEntry, reach: Reach & { way: 'exec' }, doors: FaultDoors): Promise<string> {
  const pods = await requireDoor(doors, 'kubernetes', KIND).fetchPods('');
  const pod = pods.find(({ name }) => name === reach.pod);
  if (pod?.uid !== reach.uid) return `pod ${reach.pod} is another by now, nothing of it is stopped`;
  const { patroni, walsenders, postmaster } = undo.data.processes as MemberProcesses;
  const stopped = (await listProcesses(reach, doors)).filter(({ state }) => state === 'T').map(nameOf);
  const frozen = patroni.filter((name) => stopped.includes(name));
  if (frozen.length === 0 || doors.clock.now() < Number(undo.data.resumeUntilAt)) {
    return resume([...walsenders, ...patroni], reach, doors);
  }
  if (postmaster !== null) await execute(killWithChildren(postmaster), reach, doors);
  const said = parseSignalled(await execute(signalProcesses('KILL', frozen), reach, doors));
  const left = frozen.filter((name) => said.get(Number.parseInt(name, 10)) === 'refused');
  if (left.length > 0) throw new HarnessError('ERR_KUBERNETES', `the stopped Patroni ${left.join(', ')} cannot be ended`);
  return `the stopped Patroni of ${reach.pod} and its server were ended, to start afresh`;
}

async function resume(names: readonly string[], reach: Reach, doors: FaultDoors): Promise<string> {
  const said = parseSignalled(await execute(signalProcesses('CONT', names), reach, doors));
  const refusedOnes = [...said].filter(([, outcome]) => outcome === 'refused');
  if (refusedOnes.length > 0 || said.size < names.length) {
    throw new HarnessError('ERR_KUBERNETES', `${said.size - refusedOnes.length} of ${names.length} processes took the signal`);
  }
  const going = [...said.values()].filter((outcome) => outcome === 'ok').length;
  const gone = names.length - going;
  return `${going} stopped process${going === 1 ? ' goes' : 'es go'} on${gone === 0 ? '' : `, ${gone} ${gone === 1 ? 'is' : 'are'} gone`}`;
}

async function listProcesses(reach: Reach, doors: FaultDoors): Promise<readonly ContainerProcess[]> {
  return parseProcesses(await execute(LIST_PROCESSES, reach, doors));
}

async function execute(argv: readonly string[], reach: Reach, doors: FaultDoors): Promise<string> {
  if (reach.way === 'command') throw new RangeError('there is no pod to run a program in');
  const { exitCode, output, errors } = await requireDoor(doors, 'podExec', KIND).run(reach.pod, argv, {
    timeoutMs: timeoutMs('podExec'),
    ...(reach.container === null ? {} : { container: reach.container }),
  });
  if (exitCode === 0) return output;
  throw new HarnessError(
    'ERR_KUBERNETES',
    `looking into pod ${reach.pod} ended with exit code ${exitCode}: ${errors.trim().slice(0, 300)}`,
    {
      hint: 'the container needs sh and tr',
    },
  );
}

function refused(message: string, hint: string): HarnessError {
  return new HarnessError('ERR_FAULT_UNSUPPORTED', message, { hint });
}
