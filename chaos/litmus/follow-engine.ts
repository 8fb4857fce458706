/** Watches one ChaosEngine and the application's pods until Litmus is done, or a deadline passes. Changes nothing but `engineState`. */
import { formatSeconds } from '../../src/clients/await-condition.ts';
import type { Clock, CustomObjectsPort, KubernetesPort } from '../../src/clients/ports.ts';
import { timeoutMs } from '../../src/clients/timeouts.ts';
import { HarnessError } from '../../src/errors.ts';
import type { LitmusEngineSpec } from '../../src/model/plan.ts';
import { lookAtWorkload } from '../kubernetes/workload.ts';
import { resultName } from './engine-object.ts';
import { lookAgain, type PodLedger, startLedger } from './pod-losses.ts';
import { type Progress, progressOf } from './progress.ts';
import { type EngineView, isOfRun, type ResultView, toEngineView, toResultView } from './read-objects.ts';
import { ENGINES, RESULTS } from './resources.ts';

export interface Following {
  readonly spec: LitmusEngineSpec;
  readonly engine: string;
  readonly deployment: string | null;
  readonly kubernetes: KubernetesPort;
  readonly objects: CustomObjectsPort;
  readonly clock: Clock;
  /** Aborted: the engine is told to stop, and watched until it has. */
  readonly signal: AbortSignal;
  /** At the first sign that the application was touched. */
  readonly onFirst: (ledger: PodLedger, touchedAt: number) => void;
}

export interface Followed {
  readonly how: 'completed' | 'stopped' | 'not-started' | 'overdue' | 'deleted';
  readonly ledger: PodLedger;
  /** Look before the first sign; null: the application was not touched as far as was seen. */
  readonly touchedAt: number | null;
  /** Look that saw the last sign. */
  readonly lastAt: number | null;
  readonly engine: EngineView | null;
  /** Of this run only. */
  readonly result: ResultView | null;
  readonly progress: Progress;
}

interface State {
  ledger: PodLedger | null;
  touchedAt: number | null;
  lastAt: number | null;
  engine: EngineView | null;
  result: ResultView | null;
  progress: Progress;
}

/** Never throws for what Litmus does; throws ERR_LITMUS only when nothing could be seen at all. */
export async function followEngine(following: Following): Promise<Followed> {
  const { spec, clock, signal } = following;
  const startedAt = clock.monotonic();
  const state: State = {
    ledger: null,
    touchedAt: null,
    lastAt: null,
    engine: null,
    result: null,
    progress: { state: 'waiting', on: 'operator', seen: 'nothing yet' },
  };
  let stopAskedAt: number | null = null;
  let resultlessSince: number | null = null;
  let trouble = '';
  for (;;) {
    try {
      await look(following, state);
      trouble = '';
      if (signal.aborted && stopAskedAt === null) {
        await askToStop(following);
        stopAskedAt = clock.monotonic();
      }
    } catch (error) {
      // A look that fails is a gap: what happened in it lies between the looks around it. The deadlines go on.
      if (!(error instanceof HarnessError)) throw error;
      trouble = error.message;
    }
    const { progress } = state;
    const now = clock.monotonic();
    resultlessSince = progress.state === 'resultless' ? (resultlessSince ?? now) : null;
    if (progress.state === 'ended') return finish(state, progress.how);
    if (progress.state === 'not-started' || progress.state === 'deleted') return finish(state, progress.state);
    if (resultlessSince !== null && now - resultlessSince >= timeoutMs('litmusResult')) return finish(state, 'completed');
    const limitMs = stopAskedAt === null ? deadlineMs(spec, progress) : stopAskedAt - startedAt + timeoutMs('litmusStop');
    if (now - startedAt >= limitMs) {
      if (state.ledger === null)
        throw new HarnessError(
          'ERR_LITMUS',
          `engine ${following.engine} could not be watched for ${formatSeconds(limitMs)}: ${trouble}`,
        );
      return finish(state, 'overdue');
    }
    await pause(clock, signal);
  }
}

function deadlineMs(spec: LitmusEngineSpec, { state }: Progress): number {
  return state === 'waiting' ? spec.startWithinMs : spec.startWithinMs + spec.durationMs + spec.endWithinMs;
}

/** The pods first: a kill that they show can then not be earlier than the state of the engine that is read after them. */
async function look(following: Following, state: State): Promise<void> {
  const { spec, kubernetes, objects, clock, deployment } = following;
  const at = clock.now();
  const { pods, wantedReplicas } = await lookAtWorkload(kubernetes, spec.app.label, deployment);
  const seenAt = clock.now();
  const [engine, result] = await Promise.all([
    objects.fetch(ENGINES, following.engine),
    objects.fetch(RESULTS, resultName(following.engine, spec.experiment)),
  ]);
  state.engine = engine === null ? null : toEngineView(engine);
  const read = result === null ? null : toResultView(result);
  state.progress = progressOf(state.engine, read);
  if (state.progress.state === 'ended') state.result = state.progress.result;
  const seen = { pods, wantedReplicas, at };
  // Before the experiment runs, pods go for other reasons: an autoscaler, another fault.
  if (state.ledger === null || state.progress.state === 'waiting') {
    state.ledger = startLedger(seen);
    return;
  }
  const before = state.ledger;
  state.ledger = lookAgain(before, seen, spec.proof);
  const sign =
    spec.proof === 'result'
      ? read !== null &&
        state.engine !== null &&
        isOfRun(read, state.engine) &&
        (state.touchedAt === null || read.phase === 'Running')
      : state.ledger.losses.length > before.losses.length;
  if (!sign) return;
  state.lastAt = seenAt;
  if (state.touchedAt !== null) return;
  state.touchedAt = before.lookedAt;
  following.onFirst(state.ledger, state.touchedAt);
}

async function askToStop({ objects, engine }: Following): Promise<void> {
  await objects.patch(ENGINES, engine, { spec: { engineState: 'stop' } });
}

function finish(state: State, how: Followed['how']): Followed {
  const { ledger, touchedAt, lastAt, engine, result, progress } = state;
  if (ledger === null) throw new HarnessError('ERR_LITMUS', `the application was never looked at; ${progress.seen}`);
  return { how, ledger, touchedAt, lastAt, engine, result, progress };
}

async function pause(clock: Clock, signal: AbortSignal): Promise<void> {
  // While stopping, the pause must not be cut short by the very signal that asked for the stop.
  if (signal.aborted) return clock.sleep(timeoutMs('litmusLook'));
  await clock.sleep(timeoutMs('litmusLook'), { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
