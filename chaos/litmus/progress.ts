/** What engine and result say about a run together. Pure. `completed` alone says nothing about success: it covers every verdict. */
import { type EngineView, isOfRun, type ResultView } from './read-objects.ts';

export type Progress =
  /** Nothing has happened to the application yet; `on` names who has to act. */
  | { readonly state: 'waiting'; readonly on: 'operator' | 'runner' | 'job'; readonly seen: string }
  | { readonly state: 'running'; readonly seen: string }
  /** `completed` without a result of this run: it may still come, or never. */
  | { readonly state: 'resultless'; readonly seen: string }
  | { readonly state: 'ended'; readonly how: 'completed' | 'stopped'; readonly result: ResultView | null; readonly seen: string }
  /** The experiment was never started: its image or its definition is missing. */
  | { readonly state: 'not-started'; readonly seen: string }
  | { readonly state: 'deleted'; readonly seen: string };

const NOT_STARTED: ReadonlySet<string> = new Set(['Skipped', 'ChaosExperiment Not Found']);
const BEFORE_JOB: ReadonlySet<string> = new Set(['', 'Waiting for Job Creation']);

export function progressOf(engine: EngineView | null, result: ResultView | null): Progress {
  if (engine === null) return { state: 'deleted', seen: 'the engine is gone' };
  const { engineStatus, experiment } = engine;
  const own = result !== null && isOfRun(result, engine) ? result : null;
  const seen = describe(engine, own);
  if (engine.deleting) return { state: 'deleted', seen: `the engine is being deleted; ${seen}` };
  if (experiment !== null && NOT_STARTED.has(experiment.status)) return { state: 'not-started', seen };
  if (engineStatus === 'stopped') return { state: 'ended', how: 'stopped', result: own, seen };
  if (engineStatus === 'completed') {
    const judged = own !== null && own.phase !== 'Running' && own.phase !== '';
    return judged ? { state: 'ended', how: 'completed', result: own, seen } : { state: 'resultless', seen };
  }
  if (own !== null || (experiment !== null && !BEFORE_JOB.has(experiment.status))) return { state: 'running', seen };
  if (engineStatus === null) return { state: 'waiting', on: 'operator', seen };
  return { state: 'waiting', on: experiment === null ? 'runner' : 'job', seen };
}

function describe({ engineStatus, experiment }: EngineView, own: ResultView | null): string {
  return [
    `engine ${engineStatus ?? 'without status'}`,
    ...(experiment === null ? [] : [`experiment ${experiment.status} (${experiment.verdict})`]),
    own === null ? 'no result of this run' : `result ${own.phase} (${own.verdict})`,
  ].join(', ');
}
