/** The fault against the stand-in operator at the times that Litmus was seen to take, on a clock on which waiting costs nothing. */
import { describe, expect, test } from 'vitest';
import { litmusEngine } from '../../../../chaos/litmus/engine.ts';
import { engineName, podsPerRound } from '../../../../chaos/litmus/engine-object.ts';
import { HarnessError } from '../../../../src/errors.ts';
import type { LitmusEngineSpec } from '../../../../src/model/plan.ts';
import { createFakeClock } from '../../../fakes/fake-clock.ts';
import { createFakeCustomObjects } from '../../../fakes/fake-custom-objects.ts';
import { aPod, createFakeKubernetes, type FakeKubernetesOptions } from '../../../fakes/fake-kubernetes.ts';
import { createBench, disturb } from '../../../fakes/fault-bench.ts';
import {
  ACCOUNTS,
  ENGINES,
  EXPERIMENTS,
  JOBS,
  RESULTS,
  startOperator,
  type Traps,
} from '../../../support/litmus-operator/operator.ts';

const spec: LitmusEngineSpec = {
  id: 'kill-one',
  kind: 'litmus/engine',
  atMs: 0,
  proveWithinMs: 20_000,
  revertWithinMs: 60_000,
  experiment: 'pod-delete',
  serviceAccount: 'pod-delete',
  app: { label: 'app=odoo', kind: 'deployment' },
  durationMs: 20_000,
  intervalMs: 10_000,
  env: {},
  probes: [],
  healthCheck: true,
  proof: 'pods-gone',
  maxAffectedRatio: 0.5,
  startWithinMs: 60_000,
  endWithinMs: 120_000,
  keepResult: false,
};
const engine = engineName('run-1', 'kill-one');
const resultOf = `${engine}-pod-delete`;

interface WorldOptions extends Partial<FakeKubernetesOptions> {
  readonly traps?: Traps;
  readonly operator?: boolean;
  readonly signal?: AbortSignal;
}

function world({ traps = {}, operator = true, signal, ...cluster }: WorldOptions = {}) {
  const clock = createFakeClock();
  const kubernetes = createFakeKubernetes({ clock, ...cluster });
  const objects = createFakeCustomObjects({ clock });
  objects.put(EXPERIMENTS, { metadata: { name: 'pod-delete' }, spec: { definition: { image: 'litmus/go:3.8.0' } } });
  objects.put(ACCOUNTS, { metadata: { name: 'pod-delete' } });
  const doors = { clock, kubernetes, customObjects: objects };
  const bench = signal === undefined ? createBench(doors) : createBench(doors, signal);
  // A port of its own: what a test does to ours is no trouble of the operator.
  const running = operator ? startOperator({ objects, kubernetes: { ...kubernetes }, clock, traps }) : null;
  return { clock, kubernetes, objects, bench, operator: running, startAt: clock.now() };
}

/** Runs and always ends the operator: its clock would tick for ever. */
async function within<Value>(it: ReturnType<typeof world>, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } finally {
    await it.operator?.stop();
  }
}

const failure = async (work: Promise<unknown>): Promise<{ code?: string; message: string; hint?: string }> =>
  work.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => error as { code?: string; message: string; hint?: string },
  );

describe('litmus/engine', () => {
  test('creates an engine as Litmus reads it, with a name of its own, after its undo is on disk', async () => {
    const it = world();
    await within(it, () => disturb(litmusEngine, { ...spec, env: { FORCE: 'true' } }, it.bench));
    expect(it.bench.story.slice(0, 2)).toEqual(['undo on disk', 'started']);
    expect(it.bench.undone[0]?.data).toMatchObject({ engine, result: resultOf, selector: 'app=odoo', replicas: 4 });
    expect(await it.objects.fetch(ENGINES, engine)).toMatchObject({
      apiVersion: 'litmuschaos.io/v1alpha1',
      kind: 'ChaosEngine',
      metadata: { name: engine, labels: { 'app.kubernetes.io/managed-by': 'peakproof' } },
      spec: {
        appinfo: { appns: 'erp', applabel: 'app=odoo', appkind: 'deployment' },
        chaosServiceAccount: 'pod-delete',
        defaultHealthCheck: true,
        jobCleanUpPolicy: 'retain',
        experiments: [
          {
            name: 'pod-delete',
            spec: {
              components: {
                env: [
                  { name: 'FORCE', value: 'true' },
                  { name: 'TOTAL_CHAOS_DURATION', value: '20' },
                  { name: 'CHAOS_INTERVAL', value: '10' },
                ],
              },
            },
          },
        ],
      },
    });
  });

  test('cuts the window from the pods that were seen going, first to last', async () => {
    const it = world();
    const { injection, proof } = await within(it, () => disturb(litmusEngine, spec, it.bench));
    const kills = it.kubernetes.deletions.length;
    expect(kills).toBe(2);
    // The kills come at 12 s and 30 s; a look every 250 ms is the error.
    expect(injection.injectedAt - it.startAt).toBeGreaterThan(11_000);
    expect(injection.injectedAt - it.startAt).toBeLessThanOrEqual(13_500);
    expect((injection.endedAt ?? 0) - it.startAt).toBeGreaterThan(29_000);
    expect((injection.endedAt ?? 0) - it.startAt).toBeLessThan(33_000);
    expect(it.clock.now() - it.startAt).toBeGreaterThan(55_000);
    expect(injection.state.taken).toHaveLength(kills);
    expect(injection.detail).toContain("Litmus' verdict Pass (Completed)");
    expect(proof.proven).toBe(true);
  });

  test('proves by UIDs in the very words of kill-pods, then adds what Litmus says', async () => {
    const it = world();
    const { plan, injection } = await within(it, () => disturb(litmusEngine, spec, it.bench));
    const proof = await litmusEngine.prove(spec, plan, injection, it.bench);
    expect(proof.proven).toBe(true);
    expect(proof.evidence[0]).toMatch(/^gone: odoo-6d-\d \(uid-\d\), odoo-6d-\d \(uid-\d\)$/);
    expect(proof.evidence[1]).toMatch(/^\d of \d replacements ready: odoo-6d-/);
    expect(proof.evidence).toContain("Litmus' verdict Pass (Completed)");
  });

  test('counts a second round that hits a replacement', async () => {
    const it = world({ traps: { hitsReplacement: true } });
    const { plan, injection } = await within(it, () => disturb(litmusEngine, spec, it.bench));
    expect(injection.state.taken.map(({ uid }) => uid)).toEqual(it.kubernetes.deletions.map(({ uid }) => uid));
    expect(plan.state.before).not.toContain(injection.state.taken[1]?.uid);
    expect((await litmusEngine.prove(spec, plan, injection, it.bench)).proven).toBe(true);
  });

  test("takes over Litmus' probes; a failed one does not undo our proof", async () => {
    const probes = [{ name: 'teapot', type: 'httpProbe', mode: 'Edge' }];
    const it = world({ traps: { failingProbes: ['teapot'] } });
    const { plan, injection } = await within(it, () => disturb(litmusEngine, { ...spec, probes }, it.bench));
    const proof = await litmusEngine.prove(spec, plan, injection, it.bench);
    expect(proof.proven).toBe(true);
    expect(proof.evidence).toContain("Litmus' verdict Fail (Completed_With_Probe_Failure), probes 0 %");
    expect(proof.evidence.join('\n')).toContain('Litmus probe "teapot" (httpProbe, Edge): Failed: Actual value: 200.');
  });

  test('is not taken in by the Pass of an earlier engine of that name', async () => {
    const it = world();
    const stale = { chaosUID: 'another-engine', 'job-name': 'pod-delete-qwwwa1' };
    it.objects.put(RESULTS, {
      metadata: { name: resultOf, labels: stale },
      status: {
        experimentStatus: { phase: 'Completed', verdict: 'Pass' },
        history: { passedRuns: 3, failedRuns: 0, stoppedRuns: 0 },
      },
    });
    const { injection } = await within(it, () => disturb(litmusEngine, spec, it.bench));
    expect(injection.injectedAt - it.startAt).toBeGreaterThan(11_000);
    expect(injection.state.result).toMatchObject({ verdict: 'Pass' });
    expect(injection.state.result?.chaosUid).not.toBe('another-engine');
  });

  test('reads the log of the experiment before anything is deleted, errors first', async () => {
    const it = world();
    const readOnly = it.objects.fetchPodLog;
    it.objects.fetchPodLog = async (pod) => {
      it.objects.logs.set(pod, 'level=info msg="hello"\nlevel=error msg="no luck"\n');
      return readOnly(pod);
    };
    const { injection } = await within(it, () => disturb(litmusEngine, spec, it.bench));
    expect(injection.state.evidence.join('\n')).toMatch(/log of pod-delete-\w{6}-\w{5}: level=error msg="no luck"/);
  });
});

describe('litmus/engine that does not do its work', () => {
  const refused = async (it: ReturnType<typeof world>, its: LitmusEngineSpec = spec) =>
    within(it, async () => {
      const plan = await litmusEngine.plan(its, it.bench);
      return failure(litmusEngine.inject(its, plan, it.bench, () => undefined));
    });

  test('names the service account that went missing, after the deadline, while the engine stays initialized', async () => {
    const it = world();
    const error = await within(it, async () => {
      const plan = await litmusEngine.plan(spec, it.bench);
      await it.objects.remove(ACCOUNTS, 'pod-delete');
      return failure(litmusEngine.inject(spec, plan, it.bench, () => undefined));
    });
    expect(error).toMatchObject({ code: 'ERR_LITMUS' });
    expect(error.message).toContain('did not get on within 60 s (engine initialized, no result of this run)');
    expect(error.message).toContain('the service account "pod-delete" is not in the namespace erp');
  });

  test('names the experiment that went missing', async () => {
    const it = world();
    const error = await within(it, async () => {
      const plan = await litmusEngine.plan(spec, it.bench);
      await it.objects.remove(EXPERIMENTS, 'pod-delete');
      return failure(litmusEngine.inject(spec, plan, it.bench, () => undefined));
    });
    expect(error.message).toContain('the ChaosExperiment "pod-delete" is not in the namespace erp');
  });

  test('says that no operator has taken it up', async () => {
    const error = await refused(world({ operator: false }));
    expect(error.message).toContain('no operator has taken it up: is chaos-operator running');
  });

  test('a missing image is told as such', async () => {
    const error = await refused(world({ traps: { missingImages: ['litmus/go:3.8.0'] } }));
    expect(error.message).toContain('was not started');
    expect(error.message).toContain('its image litmus/go:3.8.0 could not be started');
  });

  test('a service account that may do nothing leaves no result: completed means nothing', async () => {
    const error = await refused(world({ traps: { powerlessAccounts: ['pod-delete'] } }));
    expect(error.message).toContain('completed, but none of the pods app=odoo was seen going');
    expect(error.message).toContain('may the service account "pod-delete" do what the experiment needs?');
  });

  test('a Pass without a pod that went is no injection', async () => {
    const error = await refused(world({ traps: { doesNothing: true } }));
    expect(error.message).toContain("none of the pods app=odoo was seen going: Litmus' verdict Pass (Completed)");
  });

  test.each([
    [false, 'TARGET_SELECTION_ERROR'],
    [true, 'STATUS_CHECKS_ERROR'],
  ])('pods that were gone when it began: Error with its reason (health check %s)', async (healthCheck, code) => {
    const it = world();
    const error = await within(it, async () => {
      const its = { ...spec, healthCheck, endWithinMs: 240_000 };
      const plan = await litmusEngine.plan(its, it.bench);
      it.kubernetes.pods.splice(0);
      return failure(litmusEngine.inject(its, plan, it.bench, () => undefined));
    });
    expect(error.message).toContain(`Litmus' verdict Error (Error): ${code}: no pod found with matching labels`);
  });

  test('pods that an autoscaler took away prove nothing', async () => {
    const it = world({ neverReplace: true });
    const { plan, injection } = await within(it, async () => {
      const planned = await litmusEngine.plan(spec, it.bench);
      let first = true;
      const work = litmusEngine.inject(spec, planned, it.bench, () => {
        if (first) it.kubernetes.replicas -= 2;
        first = false;
      });
      return { plan: planned, injection: await work };
    });
    expect(injection.state).toMatchObject({ scaledIn: 2 });
    const proof = await litmusEngine.prove(spec, plan, injection, it.bench);
    expect(proof.proven).toBe(false);
    expect(proof.evidence.join('\n')).toContain('the workload was scaled in by 2 meanwhile');
  });

  test('goes on over looks that fail: what happened in the gap lies between the looks around it', async () => {
    const it = world();
    const { fetchPods } = it.kubernetes;
    const gap = { fromAt: it.startAt + 11_000, untilAt: it.startAt + 15_000 };
    it.kubernetes.fetchPods = async (selector) => {
      const now = it.clock.now();
      if (now >= gap.fromAt && now < gap.untilAt) throw new HarnessError('ERR_KUBERNETES', 'connection refused');
      return fetchPods(selector);
    };
    const { injection } = await within(it, () => disturb(litmusEngine, spec, it.bench));
    // The kill at 12 s was not seen until 15 s; the window begins at the last look before the gap.
    expect(injection.injectedAt).toBeGreaterThan(gap.fromAt - 1_000);
    expect(injection.injectedAt).toBeLessThan(gap.fromAt);
    expect(injection.state.taken).toHaveLength(2);
  });

  test('gives up when nothing can be seen at all', async () => {
    const it = world();
    const error = await within(it, async () => {
      const plan = await litmusEngine.plan(spec, it.bench);
      it.kubernetes.down = 'connection refused';
      return failure(litmusEngine.inject(spec, plan, it.bench, () => undefined));
    });
    expect(error).toMatchObject({
      code: 'ERR_LITMUS',
      message: expect.stringContaining('could not be watched for 60 s: connection refused'),
    });
  });
});

describe('litmus/engine plan', () => {
  const planned = (change: (it: ReturnType<typeof world>) => unknown, its: Partial<LitmusEngineSpec> = {}) => {
    const it = world({ operator: false });
    change(it);
    return litmusEngine.plan({ ...spec, ...its }, it.bench);
  };

  test('tells target, blast radius and images', async () => {
    expect(await planned(() => undefined)).toMatchObject({
      target: 'pods app=odoo in lab-1/erp, through the ChaosExperiment pod-delete',
      blastRadius: '1 of 4 pods app=odoo down at once; at most 50 % allowed',
      prediction: expect.stringContaining("images: experiment litmus/go:3.8.0, runner the operator's default"),
    });
  });

  test('refuses an experiment that is not installed, with those that are', async () => {
    expect(await failure(planned(() => undefined, { experiment: 'pod-dellete' }))).toMatchObject({
      code: 'ERR_LITMUS',
      message: 'there is no ChaosExperiment "pod-dellete" in lab-1/erp',
      hint: 'installed here: pod-delete',
    });
  });

  test('refuses a service account that is not there', async () => {
    expect((await failure(planned(() => undefined, { serviceAccount: 'nobody' }))).message).toBe(
      'there is no service account "nobody" in lab-1/erp',
    );
  });

  test.each(['chaosexperiments', 'chaosengines', 'chaosresults'])('refuses a cluster without %s', async (plural) => {
    const error = await failure(planned((it) => it.objects.unserved.add(plural)));
    expect(error).toMatchObject({ code: 'ERR_KUBERNETES', hint: expect.stringContaining('CustomResourceDefinition') });
  });

  test('refuses a selector that matches nothing', async () => {
    expect(await failure(planned(() => undefined, { app: { label: 'app=nothing', kind: 'deployment' } }))).toMatchObject({
      code: 'ERR_SELECTOR_EMPTY',
    });
  });

  test('refuses more than the blast radius allows, those included that are down already', async () => {
    const error = await failure(planned(() => undefined, { env: { PODS_AFFECTED_PERC: '75' } }));
    expect(error).toMatchObject({ code: 'ERR_BLAST_RADIUS' });
    const unready = await failure(
      planned((it) => it.kubernetes.pods.splice(0, 2, aPod({ uid: 'a', ready: false }), aPod({ uid: 'b', ready: false }))),
    );
    expect(unready.message).toContain('(2 not ready already)');
  });

  test("refuses pods that another chaos engine is working on; an ended one or another application's is none of it", async () => {
    const other =
      (status: object, label = 'app=odoo') =>
      (it: ReturnType<typeof world>) =>
        it.objects.put(ENGINES, {
          metadata: { name: 'theirs' },
          spec: { engineState: 'active', appinfo: { applabel: label } },
          status,
        });
    expect((await failure(planned(other({ engineStatus: 'initialized' })))).message).toContain('"theirs" is active on the pods');
    await planned(other({ engineStatus: 'completed' }));
    await planned(other({ engineStatus: 'initialized' }, 'app=shop'));
  });

  test('refuses an engine of ours that a killed run left active, and says how it is taken away', async () => {
    const left = (it: ReturnType<typeof world>) =>
      it.objects.put(ENGINES, {
        metadata: { name: 'peakproof-x', labels: { 'app.kubernetes.io/managed-by': 'peakproof' } },
        spec: { engineState: 'active', appinfo: { applabel: 'app=odoo' } },
      });
    expect((await failure(planned(left))).hint).toContain('peakproof rollback');
  });

  test('an account that may not list experiments, or read the Deployment, can plan all the same', async () => {
    const denied = () => Promise.reject(new HarnessError('ERR_KUBERNETES', 'forbidden (403)'));
    const { state } = await planned((it) => Object.assign(it.kubernetes, { fetchDeployment: denied }));
    expect(state).toMatchObject({ deployment: null });
    const error = await failure(planned((it) => Object.assign(it.objects, { list: denied }), { experiment: 'other' }));
    expect(error).toMatchObject({ code: 'ERR_LITMUS', hint: 'compare with: kubectl get chaosexperiments' });
  });

  test('litmus-go rounds the share of pods down and takes at least one', () => {
    expect([
      podsPerRound({}, 4),
      podsPerRound({ PODS_AFFECTED_PERC: '50' }, 5),
      podsPerRound({ PODS_AFFECTED_PERC: '1' }, 5),
    ]).toEqual([1, 2, 1]);
    expect(podsPerRound({ TARGET_PODS: 'a,b' }, 5)).toBe(2);
  });

  test('a name of its own for every run, short enough for the runner pod', () => {
    expect(engineName('run-1', 'kill-one')).not.toBe(engineName('run-2', 'kill-one'));
    expect(engineName('run-1', 'x'.repeat(63)).length + '-runner'.length).toBeLessThanOrEqual(63);
  });
});

describe('litmus/engine undone', () => {
  const undoOf = async (it: ReturnType<typeof world>) => {
    const { undo } = await disturb(litmusEngine, spec, it.bench);
    return undo;
  };

  test('takes engine, job and result away, in a new process, any number of times', async () => {
    const it = world();
    await within(it, async () => {
      const undo = await undoOf(it);
      const revert = await litmusEngine.revert(undo, it.bench, { timeoutMs: 60_000 });
      expect(revert).toMatchObject({ complete: true, detail: expect.stringContaining(`engine ${engine} stopped and gone`) });
      expect(await Promise.all([it.objects.list(ENGINES), it.objects.list(JOBS), it.objects.list(RESULTS)])).toEqual([
        [],
        [],
        [],
      ]);
      expect((await litmusEngine.revert(undo, it.bench, { timeoutMs: 60_000 })).complete).toBe(true);
    });
  });

  test('keeps the result when the plan says so', async () => {
    const it = world();
    await within(it, async () => {
      const { undo } = await disturb(litmusEngine, { ...spec, keepResult: true }, it.bench);
      await litmusEngine.revert(undo, it.bench, { timeoutMs: 60_000 });
      expect(await it.objects.list(RESULTS)).toHaveLength(1);
    });
  });

  test('an operator that is down leaves the finalizer: incomplete, with the way out', async () => {
    const it = world();
    const undo = await within(it, () => undoOf(it));
    const revert = await litmusEngine.revert(undo, it.bench, { timeoutMs: 60_000 });
    expect(revert.complete).toBe(false);
    expect(revert.detail).toContain('held by its finalizer chaosengine.litmuschaos.io/finalizer: no operator answers');
    expect(revert.detail).toContain(
      `kubectl -n erp patch chaosengine ${engine} --type=merge -p '{"metadata":{"finalizers":null}}'`,
    );
    // The way out works.
    await it.objects.patch(ENGINES, engine, { metadata: { finalizers: null } });
    expect((await litmusEngine.revert(undo, it.bench, { timeoutMs: 60_000 })).complete).toBe(true);
    expect(await it.objects.list(JOBS)).toEqual([]);
  });

  test('stops an experiment that runs, and counts the pod that still goes after the request', async () => {
    const abort = new AbortController();
    const it = world({ signal: abort.signal, traps: { killsAfterStop: true } });
    await within(it, async () => {
      const plan = await litmusEngine.plan(spec, it.bench);
      const injection = await litmusEngine.inject(spec, plan, it.bench, () => abort.abort(new Error('the run was stopped')));
      expect(it.kubernetes.deletions).toHaveLength(2);
      expect(injection.state.taken).toHaveLength(2);
      expect(injection.state.result).toMatchObject({ phase: 'Stopped', verdict: 'Stopped' });
      const [undo] = it.bench.undone;
      if (undo === undefined) throw new Error('no undo');
      expect(await litmusEngine.revert(undo, it.bench, { timeoutMs: 60_000 })).toMatchObject({ complete: true });
    });
    expect(it.operator?.story).toContain(`${engine} stopped`);
  });

  test('an engine that is stuck at its start is deleted all the same', async () => {
    const it = world();
    await within(it, async () => {
      const plan = await litmusEngine.plan(spec, it.bench);
      await it.objects.remove(ACCOUNTS, 'pod-delete');
      await failure(litmusEngine.inject(spec, plan, it.bench, () => undefined));
      const [undo] = it.bench.undone;
      if (undo === undefined) throw new Error('no undo');
      expect((await litmusEngine.revert(undo, it.bench, { timeoutMs: 60_000 })).complete).toBe(true);
      expect(await it.objects.list(ENGINES)).toEqual([]);
    });
  });

  test('a run that died before the engine was made has nothing to take away', async () => {
    const it = world({ operator: false });
    const undo = {
      id: 'undo-1',
      fault: 'kill-one',
      kind: 'litmus/engine' as const,
      action: '',
      data: { engine, result: resultOf, keepResult: false, selector: 'app=odoo', replicas: 4, deployment: 'odoo' },
    };
    expect(await litmusEngine.revert(undo, it.bench, { timeoutMs: 60_000 })).toMatchObject({
      complete: true,
      detail: expect.stringContaining(`engine ${engine} is not there`),
    });
  });
});
