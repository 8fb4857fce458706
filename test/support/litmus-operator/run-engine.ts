/** One ChaosEngine from its creation to its end, step by step as seen. */
import { randomInt, randomUUID } from 'node:crypto';
import type { ApiObject } from '../../../src/clients/ports.ts';
import { killRounds } from './kill-rounds.ts';
import { ACCOUNTS, ENGINES, EXPERIMENTS, FINALIZER, JOBS, PODS, RESULTS, type Stage } from './operator.ts';
import { type Verdict, writeResult } from './results.ts';
import { SEEN } from './timing.ts';

export interface EngineRun {
  readonly name: string;
  readonly uid: string;
  readonly experiment: string;
  readonly label: string;
  readonly account: string;
  readonly healthCheck: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly probes: readonly { readonly name: string; readonly type: string; readonly mode: string }[];
  readonly job: string;
  /** Played, or the job's real one. */
  pod: string;
}

/** Thrown when the engine is told to stop, or is deleted. */
class Stopped extends Error {}

export async function runEngine(stage: Stage, object: ApiObject): Promise<void> {
  const run = readRun(object);
  const { objects, story } = stage;
  try {
    await waitUnlessStopped(stage, run, SEEN.initialized);
    await objects.patch(ENGINES, run.name, { metadata: { finalizers: [FINALIZER] }, status: { engineStatus: 'initialized' } });
    story.push(`${run.name} initialized`);
    await play(stage, run);
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    await stopRun(stage, run);
  }
  await awaitDeletion(stage, run);
}

async function play(stage: Stage, run: EngineRun): Promise<void> {
  const { objects, story, traps } = stage;
  const [experiment, account] = await Promise.all([
    objects.fetch(EXPERIMENTS, run.experiment),
    objects.fetch(ACCOUNTS, run.account),
  ]);
  if (experiment === null || account === null) {
    story.push(`${run.name} stays initialized`);
    return await stayUntilStopped(stage, run);
  }
  await waitUnlessStopped(stage, run, SEEN.waitingForJob - SEEN.initialized);
  await report(stage, run, 'Waiting for Job Creation', 'N/A', 'Yet to be launched');
  await waitUnlessStopped(stage, run, SEEN.jobCreated - SEEN.waitingForJob);
  await makeJob(stage, run);
  if (traps.missingImages?.includes(imageOf(experiment)) === true) {
    await awaitImageTrouble(stage, run);
    await report(stage, run, 'Skipped', 'Error');
    return await complete(stage, run);
  }
  await report(stage, run, 'Running', 'Awaited');
  if (traps.powerlessAccounts?.includes(run.account) === true) {
    await waitUnlessStopped(stage, run, SEEN.verdict);
    await report(stage, run, 'Completed', 'Awaited');
    return await complete(stage, run);
  }
  await waitUnlessStopped(stage, run, SEEN.resultRunning - SEEN.jobCreated);
  await writeResult(stage, run, { phase: 'Running', verdict: 'Awaited', probeSuccess: 'Awaited' });
  const verdict = await experimentVerdict(stage, run);
  await writeResult(stage, run, verdict);
  story.push(`${run.name} result ${verdict.verdict}`);
  await waitUnlessStopped(stage, run, SEEN.completed);
  await report(stage, run, 'Completed', verdict.verdict);
  await complete(stage, run);
}

async function experimentVerdict(stage: Stage, run: EngineRun): Promise<Verdict> {
  const { kubernetes, traps } = stage;
  if ((await kubernetes.fetchPods(run.label)).length === 0) {
    await waitUnlessStopped(
      stage,
      run,
      (run.healthCheck ? SEEN.statusChecksError : SEEN.targetSelectionError) - SEEN.resultRunning,
    );
    const errorCode = run.healthCheck ? 'STATUS_CHECKS_ERROR' : 'TARGET_SELECTION_ERROR';
    const target = `{podLabels: ${run.label}, namespace: ${kubernetes.namespace}}`;
    const reason = JSON.stringify({ errorCode, phase: 'PreChaos', reason: 'no pod found with matching labels', target });
    return { phase: 'Error', verdict: 'Error', probeSuccess: '0', errorOutput: { errorCode, reason } };
  }
  await waitUnlessStopped(stage, run, SEEN.firstKill - SEEN.resultRunning);
  await killRounds(stage, run, (seconds) => waitUnlessStopped(stage, run, seconds));
  await waitUnlessStopped(stage, run, SEEN.verdict + (run.probes.length > 0 ? SEEN.probes : 0));
  const probeStatuses = run.probes.map((probe) => {
    const failed = traps.failingProbes?.includes(probe.name) === true;
    const description = failed ? 'Actual value: 200. Expected value: should be equal to 418' : 'Probe has been passed';
    return { ...probe, status: { verdict: failed ? 'Failed' : 'Passed', description } };
  });
  const passed = probeStatuses.filter(({ status }) => status.verdict === 'Passed').length;
  const probeSuccess = run.probes.length === 0 ? '100' : String(Math.round((passed / run.probes.length) * 100));
  const target = { targets: [{ chaosStatus: 'targeted', kind: 'deployment', name: run.label.split('=')[1] ?? '' }] };
  if (passed < run.probes.length)
    return { phase: 'Completed_With_Probe_Failure', verdict: 'Fail', probeSuccess, probeStatuses, ...target };
  return { phase: 'Completed', verdict: 'Pass', probeSuccess, probeStatuses, ...target };
}

/** `completed` is written whatever came of it, and the operator stops the engine itself. */
async function complete(stage: Stage, run: EngineRun): Promise<void> {
  await stage.objects.patch(ENGINES, run.name, { spec: { engineState: 'stop' }, status: { engineStatus: 'completed' } });
  stage.story.push(`${run.name} completed`);
}

async function stopRun(stage: Stage, run: EngineRun): Promise<void> {
  const { kubernetes, objects, story, traps } = stage;
  story.push(`${run.name} asked to stop`);
  if (traps.killsAfterStop === true) {
    await stage.wait(SEEN.killAfterStop);
    // A pod that is on its way out already would be no further loss.
    const victim = (await kubernetes.fetchPods(run.label)).find(({ deleting }) => !deleting);
    if (victim !== undefined) await kubernetes.deletePod(victim.name, { uid: victim.uid, graceSeconds: 0 });
    story.push(`${run.name} killed ${victim?.uid ?? 'nothing'} after the stop`);
  }
  await stage.wait(SEEN.resultStopped - (traps.killsAfterStop === true ? SEEN.killAfterStop : 0));
  if ((await objects.fetch(RESULTS, `${run.name}-${run.experiment}`)) !== null)
    await writeResult(stage, run, { phase: 'Stopped', verdict: 'Stopped', probeSuccess: '0' });
  await stage.wait(SEEN.jobGone - SEEN.resultStopped);
  await objects.remove(JOBS, run.job);
  await stage.wait(SEEN.engineStopped - SEEN.jobGone);
  const engine = await objects.fetch(ENGINES, run.name);
  if (engine === null) return;
  const deleting = engine.metadata?.deletionTimestamp !== undefined;
  await report(stage, run, 'Forcefully Aborted', 'Stopped');
  await objects.patch(ENGINES, run.name, {
    status: { engineStatus: 'stopped' },
    ...(deleting ? {} : { metadata: { finalizers: null } }),
  });
  story.push(`${run.name} stopped`);
}

async function awaitDeletion(stage: Stage, run: EngineRun): Promise<void> {
  const { objects, story } = stage;
  for (;;) {
    const engine = await objects.fetch(ENGINES, run.name);
    if (engine === null || engine.metadata?.uid !== run.uid) return;
    if (engine.metadata.deletionTimestamp !== undefined) break;
    await stage.wait(SEEN.poll);
  }
  await stage.wait(SEEN.finalizerOfEnded);
  await objects.remove(JOBS, run.job);
  await objects.patch(ENGINES, run.name, { metadata: { finalizers: null } });
  story.push(`${run.name} released`);
}

async function stayUntilStopped(stage: Stage, run: EngineRun): Promise<never> {
  for (;;) await waitUnlessStopped(stage, run, SEEN.poll);
}

/** Waits in small steps, and looks at `engineState` before each. */
async function waitUnlessStopped(stage: Stage, run: EngineRun, seconds: number): Promise<void> {
  let left = seconds;
  do {
    const engine = await stage.objects.fetch(ENGINES, run.name);
    const state = (engine?.spec as { readonly engineState?: string } | undefined)?.engineState;
    if (engine === null || engine.metadata?.deletionTimestamp !== undefined || state === 'stop') throw new Stopped();
    const step = Math.min(left, 1);
    await stage.wait(step);
    left -= step;
  } while (left > 0);
}

async function report(
  stage: Stage,
  run: EngineRun,
  status: string,
  verdict: string,
  experimentPod: string = run.pod,
): Promise<void> {
  const lastUpdateTime = new Date(stage.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  const experiment = { experimentPod, lastUpdateTime, name: run.experiment, runner: `${run.name}-runner`, status, verdict };
  await stage.objects.patch(ENGINES, run.name, { status: { experiments: [experiment] } });
}

async function makeJob(stage: Stage, run: EngineRun): Promise<void> {
  const { objects, jobImage } = stage;
  const labels = { chaosUID: run.uid, name: run.experiment };
  const program = `console.log('time="now" level=info msg="[PreReq]: ${run.experiment}"');console.log('time="now" level=warning msg="played"')`;
  await objects.create(JOBS, {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: run.job, labels },
    spec: {
      suspend: jobImage === null,
      backoffLimit: 0,
      template: {
        metadata: { labels },
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          containers: [
            {
              name: run.experiment,
              image: jobImage ?? 'stand-in',
              imagePullPolicy: 'IfNotPresent',
              command: ['node', '-e', program],
            },
          ],
        },
      },
    },
  });
  if (jobImage === null) return;
  for (;;) {
    const [pod] = await objects.list(PODS, { labelSelector: `job-name=${run.job}` });
    if (pod?.metadata?.name !== undefined) {
      run.pod = pod.metadata.name;
      return;
    }
    await waitUnlessStopped(stage, run, SEEN.poll);
  }
}

/** A played job has no pod to wait for. */
async function awaitImageTrouble(stage: Stage, run: EngineRun): Promise<void> {
  while (stage.jobImage !== null) {
    const pod = await stage.objects.fetch(PODS, run.pod);
    if (/"reason":"(ErrImage|ImagePull|InvalidImage)/.test(JSON.stringify(pod?.status ?? {}))) return;
    await waitUnlessStopped(stage, run, SEEN.poll);
  }
}

function imageOf(experiment: ApiObject): string {
  return (experiment.spec as { readonly definition?: { readonly image?: string } } | undefined)?.definition?.image ?? '';
}

interface EngineSpec {
  readonly appinfo: { readonly applabel: string };
  readonly chaosServiceAccount: string;
  readonly defaultHealthCheck?: boolean;
  readonly experiments: readonly {
    readonly name: string;
    readonly spec: {
      readonly components?: { readonly env?: readonly { readonly name: string; readonly value: string }[] };
      readonly probe?: readonly { readonly name: string; readonly type: string; readonly mode: string }[];
    };
  }[];
}

function readRun(object: ApiObject): EngineRun {
  const spec = object.spec as EngineSpec;
  const [experiment] = spec.experiments;
  if (experiment === undefined) throw new Error('an engine without experiment');
  const job = `${experiment.name}-${randomWord(6)}`;
  return {
    name: object.metadata?.name ?? '',
    uid: object.metadata?.uid ?? '',
    experiment: experiment.name,
    label: spec.appinfo.applabel,
    account: spec.chaosServiceAccount,
    healthCheck: spec.defaultHealthCheck === true,
    env: Object.fromEntries((experiment.spec.components?.env ?? []).map(({ name, value }) => [name, value])),
    probes: (experiment.spec.probe ?? []).map(({ name, type, mode }) => ({ name, type, mode })),
    job,
    pod: `${job}-${randomWord(5)}`,
  };
}

function randomWord(length: number): string {
  return Array.from({ length }, () => 'abcdefghijklmnopqrstuvwxyz0123456789'[randomInt(36)]).join('');
}

export function newControllerUid(): string {
  return randomUUID();
}
