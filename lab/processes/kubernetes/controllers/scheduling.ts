/** Gives pods their node: one that is Ready and takes pods, with the fewest pods of the same labels, then the fewest at all. */
import { timestamp } from '../clock.ts';
import { referenceTo } from '../events.ts';
import { valueAt } from '../json.ts';
import { type Node, type Pod, withCondition } from '../objects.ts';
import type { ControllerContext } from './context.ts';

const component = 'default-scheduler';

export function scheduleNewPods(context: ControllerContext): void {
  for (const pod of context.store.list('pods')) {
    if (pod.spec.nodeName === undefined && pod.metadata.deletionTimestamp === undefined) schedule(context, pod);
  }
}

function schedule({ store, clock, events }: ControllerContext, pod: Pod): void {
  const nodes = store.list('nodes');
  const node = chooseNode(nodes.filter(takesPods), pod, store.list('pods'));
  const now = timestamp(clock.now());
  const bound = (message: string | null): Pod['status'] => ({
    ...pod.status,
    conditions: withCondition(
      pod.status.conditions,
      {
        type: 'PodScheduled',
        ...(message === null ? { status: 'True' } : { status: 'False', reason: 'Unschedulable', message }),
        lastProbeTime: null,
      },
      now,
    ),
  });
  const involved = referenceTo(pod);
  if (node === undefined) {
    const message = `0/${nodes.length} nodes are available: ${nodes.length} node(s) were unschedulable.`;
    const before = pod.status.conditions.find(({ type }) => type === 'PodScheduled')?.message;
    store.mutate('pods', pod, (current) => ({ ...current, status: bound(message) }));
    if (before !== message) events.record({ involved, type: 'Warning', reason: 'FailedScheduling', message, component });
    return;
  }
  store.mutate('pods', pod, (current) => ({
    ...current,
    spec: { ...current.spec, nodeName: node.metadata.name },
    status: { ...bound(null), startTime: now },
  }));
  const message = `Successfully assigned ${pod.metadata.namespace}/${pod.metadata.name} to ${node.metadata.name}`;
  events.record({ involved, type: 'Normal', reason: 'Scheduled', message, component });
}

function takesPods(node: Node): boolean {
  const conditions = valueAt(node, 'status.conditions');
  const ready =
    Array.isArray(conditions) && conditions.some((it) => valueAt(it, 'type') === 'Ready' && valueAt(it, 'status') === 'True');
  return ready && valueAt(node, 'spec.unschedulable') !== true;
}

function chooseNode(nodes: readonly Node[], pod: Pod, pods: readonly Pod[]): Node | undefined {
  const present = pods.filter(({ metadata, status }) => metadata.deletionTimestamp === undefined && status.phase !== 'Failed');
  const app = pod.spec.containers[0]?.name;
  const load = (node: Node, same: boolean): number =>
    present.filter(({ spec }) => spec.nodeName === node.metadata.name && (!same || spec.containers[0]?.name === app)).length;
  return nodes.toSorted((left, right) => load(left, true) - load(right, true) || load(left, false) - load(right, false))[0];
}
