import { formatSeconds } from '../../src/clients/await-condition.ts';
import type { CustomObjectsPort, KubernetesPort } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';
import type { LitmusEngineSpec } from '../../src/model/plan.ts';
import type { Access, Fault, FaultContext, FaultDoors } from '../fault.ts';
import { awaitReplicas, type PodName, proveReplaced } from '../kubernetes/replaced-pods.ts';
import { requireDoor } from '../require-door.ts';
import { engineName, engineObject, resultName } from './engine-object.ts';
import { describeResult, explainStuck, probeEvidence, readEvents, readLog } from './explain.ts';
import { type Followed, followEngine } from './follow-engine.ts';
import { type PlannedEngine, planEngine } from './plan-engine.ts';
import type { PodLedger } from './pod-losses.ts';
import { proveByResult, proveRestarted } from './prove-engine.ts';
import { type ResultView, toEngineView } from './read-objects.ts';
import { removeEngine } from './remove-engine.ts';
import { ENGINES } from './resources.ts';

export interface InjectedEngine {
  readonly engine: string;
  /** Pods that went (or restarted) while the experiment ran, each UID once. */
  readonly taken: readonly PodName[];
  readonly scaledIn: number;
  readonly ended: boolean;
  /** Of this run; null while it lasts, or when there is none. */
  readonly result: ResultView | null;
  /** What else was read: probes, events, log. */
  readonly evidence: readonly string[];
}

const KIND = 'litmus/engine';
const LITMUS = 'litmuschaos.io';

/** Engines are named anew in every run, so that only what a plan names can be asked for by name. */
function accessOf(spec?: LitmusEngineSpec): readonly Access[] {
  const may = (group: string, resource: string, ...verbs: readonly string[]): readonly Access[] =>
    verbs.map((verb) => ({ verb, group, resource }));
  return [
    { verb: 'get', group: LITMUS, resource: 'chaosexperiments', ...(spec && { name: spec.experiment }) },
    ...may(LITMUS, 'chaosengines', 'get', 'list', 'create', 'patch', 'delete'),
    ...may(LITMUS, 'chaosresults', 'get', 'delete'),
    { verb: 'get', group: '', resource: 'serviceaccounts', ...(spec && { name: spec.serviceAccount }) },
    ...may('', 'pods', 'list'),
    { verb: 'get', group: '', resource: 'pods', subresource: 'log' },
    ...may('', 'events', 'list'),
    ...may('batch', 'jobs', 'list', 'delete'),
  ];
}

export const litmusEngine: Fault<LitmusEngineSpec, PlannedEngine, InjectedEngine> = {
  kind: KIND,
  summary:
    'runs an installed ChaosExperiment of Litmus through a ChaosEngine of its own, and shows by pod UIDs that it did something',
  needs: ['kubernetes', 'customObjects'],
  access: accessOf(),
  accessFor: (spec) => accessOf(spec),

  plan: (spec, doors) => planEngine(spec, doorsOf(doors)),

  async inject(spec, plan, context, started) {
    const { kubernetes, objects } = doorsOf(context);
    const engine = engineName(context.runId, spec.id);
    await context.openUndo({
      fault: spec.id,
      kind: KIND,
      action: `stop and delete the ChaosEngine ${engine}, then wait until the pods ${spec.app.label} are back to their replica count`,
      data: {
        engine,
        result: resultName(engine, spec.experiment),
        keepResult: spec.keepResult,
        selector: spec.app.label,
        replicas: plan.state.before.length,
        deployment: plan.state.deployment,
      },
    });
    context.signal.throwIfAborted();
    const object = engineObject(spec, { name: engine, namespace: kubernetes.namespace, runId: context.runId });
    const created = toEngineView(await objects.create(ENGINES, object));
    const stateOf = (
      ledger: PodLedger,
      end: { result: ResultView | null; evidence: readonly string[] } | null,
    ): InjectedEngine => ({
      engine: created.name,
      taken: distinct(ledger),
      scaledIn: ledger.scaledIn,
      ended: end !== null,
      result: end?.result ?? null,
      evidence: end?.evidence ?? [],
    });
    const followed = await followEngine({
      spec,
      engine: created.name,
      deployment: plan.state.deployment,
      kubernetes,
      objects,
      clock: context.clock,
      signal: context.signal,
      onFirst: (ledger, touchedAt) =>
        started({ injectedAt: touchedAt, detail: describeTaken(created.name, spec, ledger), state: stateOf(ledger, null) }),
    });
    const evidence = [
      ...probeEvidence(followed.result),
      ...(await readEvents(kubernetes, created.name, created.createdServerAt)),
      ...(await readLog(objects, followed.engine?.experiment?.experimentPod ?? null)),
    ];
    const { touchedAt, lastAt, ledger, result } = followed;
    if (touchedAt === null) throw await untouched(spec, created.name, followed, context, evidence);
    return {
      injectedAt: touchedAt,
      endedAt: lastAt ?? touchedAt,
      detail: `${describeTaken(created.name, spec, ledger)}; ${await describeEnd(spec, followed, objects)}`,
      state: stateOf(ledger, { result, evidence }),
    };
  },

  async prove(spec, plan, injection, context) {
    const { kubernetes } = doorsOf(context);
    const { clock, signal } = context;
    const { taken, scaledIn, ended, result, evidence } = injection.state;
    const { before, deployment } = plan.state;
    const waits = { clock, signal, timeoutMs: spec.proveWithinMs };
    const own =
      spec.proof === 'pods-gone'
        ? await proveReplaced(kubernetes, { selector: spec.app.label, deployment, before, taken }, waits)
        : spec.proof === 'containers-restarted'
          ? await proveRestarted(kubernetes, { selector: spec.app.label, deployment, taken }, waits)
          : proveByResult(result, ended);
    const byAutoscaler = spec.proof === 'pods-gone' && scaledIn > 0 && scaledIn >= taken.length;
    return {
      proven: own.proven && !byAutoscaler,
      evidence: [
        ...own.evidence,
        ...(byAutoscaler
          ? [`the workload was scaled in by ${scaledIn} meanwhile: that may be why these pods went, not Litmus`]
          : []),
        ...(ended ? [describeResult(result)] : []),
        ...evidence,
      ],
    };
  },

  async revert(undo, doors, { timeoutMs }) {
    const { kubernetes, objects } = doorsOf(doors);
    const startedAt = doors.clock.monotonic();
    const removal = {
      engine: String(undo.data.engine),
      result: String(undo.data.result),
      keepResult: undo.data.keepResult === true,
    };
    const removed = await removeEngine(removal, { objects, clock: doors.clock }, timeoutMs);
    const wanted = {
      selector: String(undo.data.selector),
      replicas: Number(undo.data.replicas),
      deployment: typeof undo.data.deployment === 'string' ? undo.data.deployment : null,
    };
    const leftMs = Math.max(1_000, timeoutMs - (doors.clock.monotonic() - startedAt));
    const ready = await awaitReplicas(kubernetes, wanted, { clock: doors.clock, timeoutMs: leftMs });
    return { complete: removed.complete && ready.complete, detail: `${removed.detail}; ${ready.detail}` };
  },
};

function doorsOf(doors: FaultDoors): { readonly kubernetes: KubernetesPort; readonly objects: CustomObjectsPort } {
  return { kubernetes: requireDoor(doors, 'kubernetes', KIND), objects: requireDoor(doors, 'customObjects', KIND) };
}

function distinct({ losses }: PodLedger): readonly PodName[] {
  const byUid = new Map(losses.map(({ uid, name }) => [uid, { uid, name }]));
  return [...byUid.values()];
}

function describeTaken(engine: string, spec: LitmusEngineSpec, ledger: PodLedger): string {
  const taken = distinct(ledger);
  const what =
    spec.proof === 'result'
      ? `${spec.experiment} runs`
      : `${spec.experiment} ${spec.proof === 'pods-gone' ? 'took' : 'restarted containers of'} ${taken.length} pods: ${taken.map(({ name }) => name).join(', ')}`;
  return `engine ${engine}: ${what}`;
}

async function describeEnd(spec: LitmusEngineSpec, followed: Followed, objects: CustomObjectsPort): Promise<string> {
  if (followed.how === 'overdue')
    return `not done in time (${followed.progress.seen}): ${await explainStuck(objects, spec, followed)}`;
  if (followed.how === 'deleted') return 'somebody deleted the engine meanwhile';
  return describeResult(followed.result);
}

/** The engine ended, or did not get on, without a sign at the application. */
async function untouched(
  spec: LitmusEngineSpec,
  engine: string,
  followed: Followed,
  context: FaultContext,
  evidence: readonly string[],
): Promise<unknown> {
  if (context.signal.aborted) return context.signal.reason;
  const { objects } = doorsOf(context);
  const { how, progress, result } = followed;
  const cause = result === null ? await explainStuck(objects, spec, followed) : describeResult(result);
  const told = [cause, ...evidence].filter((part) => part !== '').join('; ');
  const waited = progress.state === 'waiting' ? formatSeconds(spec.startWithinMs) : 'the time the plan gives it';
  const what = {
    completed: `engine ${engine} completed, but ${spec.proof === 'result' ? 'its experiment was never seen running' : `none of the pods ${spec.app.label} was seen going`}`,
    stopped: `somebody stopped engine ${engine} before it did anything`,
    'not-started': `engine ${engine}: the experiment "${spec.experiment}" was not started (${progress.seen})`,
    overdue: `engine ${engine} did not get on within ${waited} (${progress.seen})`,
    deleted: `somebody deleted engine ${engine} before it did anything`,
  }[how];
  return new HarnessError('ERR_LITMUS', `${what}: ${told}`);
}
