/** Objects as chaos-operator 3.8.0 left them in a cluster. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { progressOf } from '../../../../chaos/litmus/progress.ts';
import { type EngineView, isOfRun, jobOfPod, toEngineView, toResultView } from '../../../../chaos/litmus/read-objects.ts';
import { packageRoot } from '../../../../src/clients/package-root.ts';
import type { ApiObject } from '../../../../src/clients/ports.ts';

const captured = (name: string): ApiObject =>
  JSON.parse(readFileSync(join(packageRoot(), 'test/fixtures/litmus', `${name}.json`), 'utf8')) as ApiObject;
const engine = (name: string) => toEngineView(captured(name));
const result = (name: string) => toResultView(captured(name));

describe('captured objects', () => {
  test('an engine that completed', () => {
    expect(engine('chaosengine-pass')).toMatchObject({
      name: 'demo',
      finalizers: ['chaosengine.litmuschaos.io/finalizer'],
      engineState: 'stop',
      engineStatus: 'completed',
      appLabel: 'app=shop',
      experiment: { status: 'Completed', verdict: 'Pass', experimentPod: 'pod-delete-76ia21-tqczj', runner: 'demo-runner' },
    });
  });

  test('a result carries job and engine of its run', () => {
    expect(result('chaosresult-pass')).toMatchObject({
      jobName: 'pod-delete-76ia21',
      chaosUid: 'dc2cd232-d821-4421-b39e-438960bac99b',
      phase: 'Completed',
      verdict: 'Pass',
      error: null,
      targets: [{ kind: 'deployment', name: 'shop', status: 'targeted' }],
    });
  });

  test('the reason of an error is unpacked from the JSON inside the string', () => {
    expect(result('chaosresult-wrong-label')).toMatchObject({
      phase: 'Error',
      verdict: 'Error',
      error: {
        code: 'STATUS_CHECKS_ERROR',
        reason: 'no pod found with matching labels ({podLabels: app=nothing, namespace: shop})',
      },
    });
  });

  test("Litmus' probes are taken over with what they saw", () => {
    expect(result('chaosresult-probe-failed')).toMatchObject({
      phase: 'Completed_With_Probe_Failure',
      verdict: 'Fail',
      probeSuccess: '0',
      probes: [
        {
          name: 'teapot',
          type: 'httpProbe',
          mode: 'Edge',
          verdict: 'Failed',
          description: 'Actual value: 200. Expected value: should be equal to 418',
        },
      ],
    });
  });

  test('the job is the pod without its suffix, and nothing while there is no pod', () => {
    expect(jobOfPod('pod-delete-76ia21-tqczj')).toBe('pod-delete-76ia21');
    expect(jobOfPod('Yet to be launched')).toBeNull();
    expect(jobOfPod(null)).toBeNull();
  });
});

describe('isOfRun', () => {
  const pass = engine('chaosengine-pass');

  test('takes the result of this very run', () => {
    expect(isOfRun(result('chaosresult-pass'), pass)).toBe(true);
  });

  test('refuses the Pass of another engine of the same name', () => {
    expect(result('chaosresult-pass-third-run').verdict).toBe('Pass');
    expect(isOfRun(result('chaosresult-pass-third-run'), pass)).toBe(false);
  });

  test('refuses the Pass of an earlier run of the same engine: its job is another', () => {
    const rerun = {
      ...pass,
      experiment: { ...(pass.experiment as object), experimentPod: 'pod-delete-qwwwa1-abcde' },
    } as EngineView;
    expect(isOfRun(result('chaosresult-pass'), rerun)).toBe(false);
  });

  test('takes a stopped result, which has lost its job, by the uid of the engine', () => {
    expect(isOfRun(result('chaosresult-stopped'), engine('chaosengine-stopped'))).toBe(true);
    expect(isOfRun(result('chaosresult-stopped'), pass)).toBe(false);
  });

  test('refuses a result without any key', () => {
    expect(isOfRun({ ...result('chaosresult-pass'), chaosUid: null }, pass)).toBe(false);
    expect(isOfRun({ ...result('chaosresult-pass'), jobName: null }, pass)).toBe(false);
  });
});

describe('progressOf', () => {
  const pass = engine('chaosengine-pass');
  const with_ = (engineStatus: string | null, status?: string): EngineView => ({
    ...pass,
    engineStatus,
    experiment: status === undefined || pass.experiment === null ? null : { ...pass.experiment, status, verdict: 'N/A' },
  });
  const stale = result('chaosresult-pass-third-run');

  test.each([
    ['no status yet: nobody has taken it up', with_(null), { state: 'waiting', on: 'operator' }],
    ['initialized', with_('initialized'), { state: 'waiting', on: 'runner' }],
    ['waiting for its job', with_('initialized', 'Waiting for Job Creation'), { state: 'waiting', on: 'job' }],
    ['running', with_('initialized', 'Running'), { state: 'running' }],
    ['its image is missing', with_('completed', 'Skipped'), { state: 'not-started' }],
    ['its experiment is missing', with_('initialized', 'ChaosExperiment Not Found'), { state: 'not-started' }],
    ['completed without a result of its own', with_('completed', 'Completed'), { state: 'resultless' }],
    ['stopped', with_('stopped', 'Forcefully Aborted'), { state: 'ended', how: 'stopped', result: null }],
    ['deleted', null, { state: 'deleted' }],
    ['being deleted', { ...with_('initialized', 'Running'), deleting: true }, { state: 'deleted' }],
  ])('%s, whatever a stale Pass says', (_, seen, expected) => {
    expect(progressOf(seen, stale)).toMatchObject(expected);
  });

  test.each(['chaosresult-pass', 'chaosresult-probe-failed', 'chaosresult-wrong-label'])(
    'ends with its own result: %s',
    (name) => {
      const own = result(name);
      const ending: EngineView = { ...pass, uid: own.chaosUid ?? '', experiment: null };
      expect(progressOf(ending, own)).toMatchObject({ state: 'ended', how: 'completed', result: { verdict: own.verdict } });
    },
  );

  test('a completed engine whose own result is still running is not over', () => {
    const running = { ...result('chaosresult-pass'), phase: 'Running', verdict: 'Awaited' };
    expect(progressOf(pass, running)).toMatchObject({ state: 'resultless' });
  });
});
