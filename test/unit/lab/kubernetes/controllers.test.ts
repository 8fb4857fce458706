import { describe, expect, test } from 'vitest';
import type { ControlPlane } from '../../../../lab/processes/kubernetes/control-plane.ts';
import { isPodReady, type Pod } from '../../../../lab/processes/kubernetes/objects.ts';
import { aControlPlane, settle } from './a-control-plane.ts';

function pods(plane: ControlPlane): readonly Pod[] {
  return plane.store.list('pods', 'erp');
}

function firstPod(plane: ControlPlane): Pod {
  const pod = pods(plane)[0];
  if (pod === undefined) throw new Error('no pod');
  return pod;
}

function deployment(plane: ControlPlane) {
  const found = plane.store.get('deployments', 'erp', 'erp');
  if (found === undefined) throw new Error('no deployment');
  return found;
}

function scale(plane: ControlPlane, replicas: number): void {
  plane.store.mutate('deployments', deployment(plane), (it) => ({
    ...it,
    metadata: { ...it.metadata, generation: (it.metadata.generation ?? 1) + 1 },
    spec: { ...it.spec, replicas },
  }));
}

function reasons(plane: ControlPlane, name: string): readonly string[] {
  return plane.store
    .list('events')
    .filter((event) => event.involvedObject.name === name)
    .map((event) => event.reason);
}

describe('a Deployment', () => {
  test('brings its pods up and says so in its status', async () => {
    const { plane, errors } = await aControlPlane();
    expect(pods(plane).map(isPodReady)).toEqual([true, true]);
    expect(deployment(plane).status).toMatchObject({
      observedGeneration: 1,
      replicas: 2,
      readyReplicas: 2,
      availableReplicas: 2,
    });
    expect(deployment(plane).status.conditions).toMatchObject([
      { type: 'Available', status: 'True' },
      { type: 'Progressing', reason: 'NewReplicaSetAvailable' },
    ]);
    expect(errors).toEqual([]);
  });

  test('replaces a deleted pod by one with another name and UID', async () => {
    const { plane, runtime } = await aControlPlane();
    const victim = firstPod(plane);
    plane.terminate(victim, 30);
    await settle();
    expect(runtime.calls).toContain(`stop ${victim.metadata.name} 30`);
    expect(pods(plane)).toHaveLength(2);
    expect(pods(plane).map((pod) => pod.metadata.uid)).not.toContain(victim.metadata.uid);
    expect(reasons(plane, victim.metadata.name)).toEqual(expect.arrayContaining(['Scheduled', 'Started', 'Killing']));
  });

  test('starts the replacement while the old pod still terminates', async () => {
    const { plane, runtime } = await aControlPlane();
    runtime.stubborn = true;
    const victim = firstPod(plane);
    plane.terminate(victim, 30);
    await settle();
    const seen = pods(plane).map((pod) => pod.metadata.deletionTimestamp !== undefined);
    expect(seen.toSorted()).toEqual([false, false, true]);
  });

  test('a forced deletion overtakes a graceful one', async () => {
    const { plane, runtime } = await aControlPlane();
    runtime.stubborn = true;
    const victim = firstPod(plane);
    plane.terminate(victim, 30);
    await settle();
    plane.terminate(victim, 0);
    await settle();
    expect(runtime.calls).toContain(`stop ${victim.metadata.name} 0`);
    expect(pods(plane).map((pod) => pod.metadata.uid)).not.toContain(victim.metadata.uid);
  });

  test('removes the pods that are not ready first when scaled in', async () => {
    const { plane, runtime } = await aControlPlane();
    const sick = firstPod(plane);
    runtime.setReady(sick.metadata.uid, false);
    await settle();
    scale(plane, 1);
    await settle();
    expect(pods(plane).map((pod) => pod.metadata.uid)).toHaveLength(1);
    expect(pods(plane).map((pod) => pod.metadata.uid)).not.toContain(sick.metadata.uid);
  });

  test('rolls to a new template without fewer ready pods than wanted', async () => {
    const { plane } = await aControlPlane();
    let fewest = 2;
    plane.store.onChange(() => {
      const serving = pods(plane).filter((pod) => isPodReady(pod) && pod.metadata.deletionTimestamp === undefined);
      fewest = Math.min(fewest, serving.length);
    });
    plane.store.mutate('deployments', deployment(plane), (it) => {
      const template = { ...it.spec.template, metadata: { ...it.spec.template.metadata, annotations: { restarted: 'now' } } };
      return { ...it, metadata: { ...it.metadata, generation: 2 }, spec: { ...it.spec, template } };
    });
    for (let round = 0; round < 5; round += 1) await settle();
    expect(pods(plane).map((pod) => pod.metadata.annotations)).toEqual([{ restarted: 'now' }, { restarted: 'now' }]);
    expect(deployment(plane).status).toMatchObject({ observedGeneration: 2, updatedReplicas: 2, replicas: 2 });
    expect(fewest).toBe(2);
  });
});

describe('a container', () => {
  test('that was killed starts again in the same pod, at once', async () => {
    const { plane, runtime, clock } = await aControlPlane();
    const pod = firstPod(plane);
    runtime.kill(pod.metadata.uid);
    await clock.advance(0);
    const again = plane.store.get('pods', 'erp', pod.metadata.name);
    expect(again?.metadata.uid).toBe(pod.metadata.uid);
    expect(again?.status.containerStatuses?.[0]).toMatchObject({
      ready: true,
      restartCount: 1,
      lastState: { terminated: { exitCode: 137, signal: 9, reason: 'Error' } },
    });
  });

  test('that keeps dying waits longer each time', async () => {
    const { plane, runtime, clock } = await aControlPlane();
    const pod = firstPod(plane);
    const state = () => plane.store.get('pods', 'erp', pod.metadata.name)?.status.containerStatuses?.[0];
    runtime.kill(pod.metadata.uid);
    await clock.advance(0);
    runtime.kill(pod.metadata.uid);
    await clock.advance(9_999);
    expect(state()).toMatchObject({ restartCount: 1, state: { waiting: { reason: 'CrashLoopBackOff' } } });
    await clock.advance(1);
    expect(state()).toMatchObject({ restartCount: 2, ready: true });
    runtime.kill(pod.metadata.uid);
    await clock.advance(19_999);
    expect(state()?.restartCount).toBe(2);
    await clock.advance(1);
    expect(state()?.restartCount).toBe(3);
  });

  test('that ran long starts again without delay', async () => {
    const { plane, runtime, clock } = await aControlPlane();
    const pod = firstPod(plane);
    runtime.kill(pod.metadata.uid);
    await clock.advance(600_000);
    runtime.kill(pod.metadata.uid);
    await clock.advance(0);
    const status = plane.store.get('pods', 'erp', pod.metadata.name)?.status.containerStatuses?.[0];
    expect(status).toMatchObject({ restartCount: 2, ready: true });
  });

  test('whose start fails is reported and tried again', async () => {
    const { plane, runtime, clock } = await aControlPlane({
      workloads: [{ kind: 'StatefulSet', name: 'postgres', replicas: 0 }],
    });
    runtime.failing.add('postgres-0');
    const set = plane.store.get('statefulsets', 'erp', 'postgres');
    if (set === undefined) throw new Error('no StatefulSet');
    plane.store.mutate('statefulsets', set, (it) => ({ ...it, spec: { ...it.spec, replicas: 1 } }));
    await clock.advance(1_000);
    expect(reasons(plane, 'postgres-0')).toContain('Failed');
    runtime.failing.clear();
    await clock.advance(10_000);
    expect(pods(plane).map(isPodReady)).toEqual([true]);
  });

  test('that stops answering its readiness check is reported with the time', async () => {
    const { plane, runtime, clock } = await aControlPlane();
    const pod = firstPod(plane);
    await clock.advance(60_000);
    runtime.setReady(pod.metadata.uid, false);
    await settle();
    const ready = plane.store.get('pods', 'erp', pod.metadata.name)?.status.conditions.find((it) => it.type === 'Ready');
    expect(ready).toMatchObject({ status: 'False', reason: 'ContainersNotReady', lastTransitionTime: '2026-05-01T10:01:00Z' });
    expect(reasons(plane, pod.metadata.name)).toContain('Unhealthy');
    expect(deployment(plane).status).toMatchObject({ readyReplicas: 1, unavailableReplicas: 1 });
  });
});

describe('a StatefulSet', () => {
  const workloads = [{ kind: 'StatefulSet', name: 'postgres', replicas: 2 }] as const;

  test('gives a deleted pod back under its name with a new UID', async () => {
    const { plane } = await aControlPlane({ workloads });
    const before = plane.store.get('pods', 'erp', 'postgres-0');
    if (before === undefined) throw new Error('no postgres-0');
    plane.terminate(before, 0);
    await settle();
    expect(plane.store.get('pods', 'erp', 'postgres-0')?.metadata.uid).not.toBe(before.metadata.uid);
    expect(pods(plane).map((pod) => pod.metadata.name)).toEqual(['postgres-0', 'postgres-1']);
  });

  test('never has two processes of one name', async () => {
    const { plane, runtime } = await aControlPlane({ workloads });
    plane.terminate(firstPod(plane), 0);
    await settle();
    const ofFirst = runtime.calls.filter((call) => call.includes('postgres-0'));
    expect(ofFirst).toEqual(['start postgres-0', 'stop postgres-0 0', 'start postgres-0']);
  });
});

describe('closing', () => {
  test('stops every pod and starts none again', async () => {
    const { plane, runtime, clock } = await aControlPlane();
    const closed = plane.close({ stopPods: true, graceSeconds: 1 });
    await clock.advance(10_000);
    await closed;
    const before = runtime.calls.length;
    await clock.advance(600_000);
    expect(runtime.calls).toHaveLength(before);
    expect(pods(plane).every((pod) => runtime.status(pod.metadata.uid)?.state === 'exited')).toBe(true);
  });
});
