/** The status of a pod object, from what its process is doing. */
import { constants } from 'node:os';
import type { PodStatus } from '../../pod-runtime.ts';
import { timestamp } from '../clock.ts';
import {
  type Condition,
  type ContainerState,
  type ContainerStatus,
  type Pod,
  type PodObjectStatus,
  type TerminatedState,
  withCondition,
} from '../objects.ts';

/** What the kubelet knows about a container beyond its process. */
export interface ContainerView {
  readonly phase: 'creating' | 'started' | 'waiting';
  readonly waitingReason: string;
  readonly waitingMessage: string;
  readonly restartCount: number;
  readonly startedAt: number | null;
  readonly pid: number | null;
  readonly lastTerminated: TerminatedState | null;
  readonly process: PodStatus | null;
}

export function podStatus(pod: Pod, view: ContainerView, nowMs: number): PodObjectStatus {
  const now = timestamp(nowMs);
  const running = view.phase === 'started' && view.process !== null && view.process.state !== 'exited';
  const ready = running && view.process?.state === 'running' && view.process.ready;
  // A pod whose container ran once stays Running while the container restarts: restartPolicy is Always.
  const phase = view.startedAt !== null || view.restartCount > 0 ? 'Running' : 'Pending';
  return {
    phase,
    conditions: conditions(pod, ready, now),
    hostIP: '127.0.0.1',
    ...(view.startedAt === null ? {} : { podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }] }),
    startTime: pod.status.startTime ?? now,
    qosClass: 'Burstable',
    containerStatuses: [containerStatus(pod, view, running, ready)],
  };
}

function conditions(pod: Pod, ready: boolean, now: string): readonly Condition[] {
  const container = pod.spec.containers[0]?.name ?? '';
  const readiness = ready
    ? ({ status: 'True' } as const)
    : ({
        status: 'False',
        reason: 'ContainersNotReady',
        message: `containers with unready status: [${container}]`,
      } as const);
  let result = pod.status.conditions;
  for (const type of ['PodReadyToStartContainers', 'Initialized']) {
    result = withCondition(result, { type, status: 'True', lastProbeTime: null }, now);
  }
  result = withCondition(result, { type: 'Ready', ...readiness, lastProbeTime: null }, now);
  result = withCondition(result, { type: 'ContainersReady', ...readiness, lastProbeTime: null }, now);
  return withCondition(result, { type: 'PodScheduled', status: 'True', lastProbeTime: null }, now);
}

function containerStatus(pod: Pod, view: ContainerView, running: boolean, ready: boolean): ContainerStatus {
  const container = pod.spec.containers[0];
  const image = container?.image ?? '';
  const pid = view.process?.pid ?? null;
  return {
    name: container?.name ?? '',
    ready,
    started: running,
    restartCount: view.restartCount,
    image,
    imageID: image,
    ...(pid === null ? {} : { containerID: `process://${pid}` }),
    state: containerState(view, running),
    lastState: view.lastTerminated === null ? {} : { terminated: view.lastTerminated },
  };
}

function containerState(view: ContainerView, running: boolean): ContainerState {
  if (running && view.startedAt !== null) return { running: { startedAt: timestamp(view.startedAt) } };
  if (view.phase === 'creating' && view.restartCount === 0) return { waiting: { reason: 'ContainerCreating' } };
  if (view.phase === 'started' && view.process?.state === 'exited') {
    const startedAt = view.startedAt ?? 0;
    const terminated = terminatedState(view.process, { pid: view.pid, startedAt, finishedAt: startedAt });
    return { terminated };
  }
  return {
    waiting: {
      reason: view.waitingReason === '' ? 'ContainerCreating' : view.waitingReason,
      ...(view.waitingMessage === '' ? {} : { message: view.waitingMessage }),
    },
  };
}

/** A process ended by a signal gets exit code 128 + its number, as a container runtime reports it. */
export function terminatedState(
  process: PodStatus | null,
  life: { readonly pid: number | null; readonly startedAt: number; readonly finishedAt: number },
): TerminatedState {
  const signals: Readonly<Record<string, number>> = constants.signals;
  const signal = process?.exitSignal == null ? undefined : signals[process.exitSignal];
  const exitCode = signal === undefined ? (process?.exitCode ?? 255) : 128 + signal;
  return {
    exitCode,
    ...(signal === undefined ? {} : { signal }),
    reason: exitCode === 0 ? 'Completed' : 'Error',
    startedAt: timestamp(life.startedAt),
    finishedAt: timestamp(life.finishedAt),
    containerID: `process://${life.pid ?? 0}`,
  };
}
