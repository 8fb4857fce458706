/** Stops an engine, takes it and what it left away. Works from names alone, any number of times. */
import { awaitCondition } from '../../src/clients/await-condition.ts';
import type { Clock, CustomObjectsPort } from '../../src/clients/ports.ts';
import { timeoutMs } from '../../src/clients/timeouts.ts';
import { HarnessError } from '../../src/errors.ts';
import type { Revert } from '../fault.ts';
import { type EngineView, toEngineView } from './read-objects.ts';
import { ENGINES, JOBS, RESULTS } from './resources.ts';

export interface Removal {
  readonly engine: string;
  readonly result: string;
  readonly keepResult: boolean;
}

const STUCK_STOP_MS = 10_000;

interface Doors {
  readonly objects: CustomObjectsPort;
  readonly clock: Clock;
}

/** Throws ERR_KUBERNETES when the API does not answer; a finalizer that nobody takes off is an answer. */
export async function removeEngine(removal: Removal, doors: Doors, limitMs: number): Promise<Revert> {
  const { objects, clock } = doors;
  const deadline = clock.monotonic() + limitMs;
  const left = () => Math.max(1, deadline - clock.monotonic());
  const engine = await fetchEngine(objects, removal.engine);
  const uid = engine?.uid ?? (await uidOfResult(objects, removal.result));
  const notes: string[] = [];
  if (engine === null) notes.push(`engine ${removal.engine} is not there`);
  else {
    const stopped = engine.deleting || (await stopEngine(engine, doors, Math.min(left(), timeoutMs('litmusStop'))));
    const gone = await deleteEngine(engine, doors, Math.min(left(), timeoutMs('litmusRemove')));
    if (!gone.complete) return gone;
    notes.push(`engine ${removal.engine} ${stopped ? 'stopped and' : 'did not say that it stopped, but is'} gone`);
  }
  if (uid !== null) notes.push(...(await removeJobs(objects, uid)));
  if (!removal.keepResult && (await objects.remove(RESULTS, removal.result))) notes.push(`result ${removal.result} deleted`);
  return { complete: true, detail: notes.join(', ') };
}

/** False: no `stopped` in time, or nobody there to say it. */
async function stopEngine(engine: EngineView, { objects, clock }: Doors, limitMs: number): Promise<boolean> {
  if (isOver(engine)) return true;
  await objects.patch(ENGINES, engine.name, { spec: { engineState: 'stop' } });
  // An engine that no operator has seen has nobody to stop it, and nothing that runs.
  if (engine.engineStatus === null) return true;
  try {
    await awaitCondition('ChaosEngine stopped', () => fetchEngine(objects, engine.name), {
      until: (seen) => seen === null || isOver(seen),
      // Without an experiment that runs there may be nobody to say `stopped`: an engine that is stuck at its start never does.
      timeoutMs: engine.experiment === null ? Math.min(limitMs, STUCK_STOP_MS) : limitMs,
      clock,
      describe: (seen) => `engine ${seen?.engineStatus ?? 'without status'}`,
    });
    return true;
  } catch (error) {
    // Deleting it stops it as well; a missing `stopped` is told, the deletion decides.
    if (error instanceof HarnessError && error.code === 'ERR_TIMEOUT') return false;
    throw error;
  }
}

function isOver({ engineStatus }: EngineView): boolean {
  return engineStatus === 'completed' || engineStatus === 'stopped';
}

async function deleteEngine(engine: EngineView, { objects, clock }: Doors, limitMs: number): Promise<Revert> {
  await objects.remove(ENGINES, engine.name, { uid: engine.uid });
  let last: EngineView | null = engine;
  try {
    await awaitCondition('ChaosEngine gone', () => fetchEngine(objects, engine.name), {
      until: (seen) => {
        last = seen;
        return seen === null || seen.uid !== engine.uid;
      },
      timeoutMs: limitMs,
      clock,
      describe: (seen) => `held by ${seen?.finalizers.join(', ') ?? 'nothing'}`,
    });
    return { complete: true, detail: '' };
  } catch (error) {
    if (!(error instanceof HarnessError) || error.code !== 'ERR_TIMEOUT') throw error;
    return { complete: false, detail: heldWords(last ?? engine, objects.namespace) };
  }
}

/** The way out is the user's to take: taking a finalizer off while an operator works leaves its pods behind. */
function heldWords({ name, finalizers }: EngineView, namespace: string): string {
  const patch = `kubectl -n ${namespace} patch chaosengine ${name} --type=merge -p '{"metadata":{"finalizers":null}}'`;
  return (
    `engine ${name} is still there, held by its finalizer ${finalizers.join(', ') || '(none)'}: no operator answers. ` +
    `Start chaos-operator, or, when there is none any more, take the finalizer off: ${patch}; then: peakproof rollback`
  );
}

async function removeJobs(objects: CustomObjectsPort, uid: string): Promise<readonly string[]> {
  const jobs = await objects.list(JOBS, { labelSelector: `chaosUID=${uid}` });
  const names = jobs.flatMap(({ metadata }) =>
    metadata?.name === undefined || metadata.deletionTimestamp ? [] : [metadata.name],
  );
  for (const name of names) await objects.remove(JOBS, name);
  return names.length === 0 ? [] : [`job ${names.join(', ')} deleted`];
}

async function fetchEngine(objects: CustomObjectsPort, name: string): Promise<EngineView | null> {
  const object = await objects.fetch(ENGINES, name);
  return object === null ? null : toEngineView(object);
}

async function uidOfResult(objects: CustomObjectsPort, name: string): Promise<string | null> {
  return (await objects.fetch(RESULTS, name))?.metadata?.labels?.chaosUID ?? null;
}
