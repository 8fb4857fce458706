/** Can the autoscaler see what it scales on, and may it scale as far as it is told to? */
import type { Clock, HpaView, KubernetesPort, NodeView, PodView } from '../../clients/ports.ts';
import { timeoutMs } from '../../clients/timeouts.ts';
import type { Plan } from '../../model/plan.ts';
import type { Findings, PreflightContext } from './findings.ts';

const judgesScaling = (plan: Plan): boolean => plan.objectives.some(({ kind }) => kind === 'autoscaling');

export async function checkAutoscaler(context: PreflightContext, findings: Findings): Promise<void> {
  const { plan, connections, doors } = context;
  const { kubernetes } = doors.faults;
  const target = connections.kubernetes;
  if (kubernetes === undefined || target?.hpa === undefined) return;
  const { hpa: name, deployment } = target;
  const hpa = await findings.attempt({ check: 'hpa-metrics', at: `hpa ${name}` }, () =>
    fetchSettledHpa(kubernetes, name, doors.faults.clock),
  );
  if (hpa === undefined) return;
  checkMetrics(plan, name, hpa, findings);
  const pods = await findings.attempt({ check: 'hpa-requests', at: `deployment ${deployment}` }, async () => {
    const { selector } = await kubernetes.fetchDeployment(deployment);
    return (await kubernetes.fetchPods(selector)).filter(({ deleting }) => !deleting);
  });
  if (pods === undefined) return;
  checkRequests(plan, deployment, { hpa, pods }, findings);
  if (target.namespaceOnly !== true) await checkCapacity(context, { hpa, pods, kubernetes }, findings);
}

function checkMetrics(plan: Plan, name: string, hpa: HpaView, findings: Findings): void {
  const finding = { check: 'hpa-metrics', at: `hpa ${name}` };
  if (hasMetrics(hpa)) {
    findings.ok(finding, `HPA ${name} has metrics (${hpa.metric}), ${hpa.minReplicas} to ${hpa.maxReplicas} replicas`);
    return;
  }
  const scalingActive = hpa.conditions.find((condition) => condition.type === 'ScalingActive');
  findings.missing(
    finding,
    judgesScaling(plan),
    `has no metrics (${scalingActive?.reason ?? 'no current value of its metric'}), so it cannot scale`,
    'check that metrics-server runs and that the containers have resource requests: kubectl describe hpa',
  );
}

const hasMetrics = (hpa: HpaView): boolean =>
  hpa.currentValue !== null && hpa.conditions.find((condition) => condition.type === 'ScalingActive')?.status !== 'False';

/** Pods that have just started have no metrics for a while: that is no fault of the platform. The last thing seen when it stays so. */
async function fetchSettledHpa(kubernetes: KubernetesPort, name: string, clock: Clock): Promise<HpaView> {
  const deadline = clock.monotonic() + timeoutMs('hpaMetrics');
  for (;;) {
    const hpa = await kubernetes.fetchHpa(name);
    if (hasMetrics(hpa) || clock.monotonic() >= deadline) return hpa;
    await clock.sleep(1_000);
  }
}

interface Scaled {
  readonly hpa: HpaView;
  readonly pods: readonly PodView[];
}

/** A utilization is a percentage of the request: a container without one has none, and the autoscaler gives up on all of them. */
function checkRequests(plan: Plan, deployment: string, { hpa, pods }: Scaled, findings: Findings): void {
  const finding = { check: 'hpa-requests', at: `deployment ${deployment}` };
  const compared = (hpa.metrics ?? []).filter(({ type, targetKind }) => /Resource$/.test(type) && targetKind === 'Utilization');
  if (hpa.metrics !== undefined && compared.length === 0) {
    findings.ok(finding, `the autoscaler compares no share of a request (${hpa.metric})`);
    return;
  }
  const wanted = new Set(compared.length === 0 ? ['cpu'] : compared.map(({ name }) => name));
  const without = pods.filter(({ requests }) => {
    if (requests === undefined) return false;
    return (wanted.has('cpu') && requests.cpuCores === null) || (wanted.has('memory') && requests.memoryBytes === null);
  });
  const [first] = without;
  if (first !== undefined) {
    findings.missing(
      finding,
      judgesScaling(plan),
      `${without.length} of ${pods.length} pods (first: ${first.name}) have a container without a request for ${[...wanted].join(' and ')}, which the autoscaler compares with`,
      'set resources.requests for every container of the pod template, sidecars too',
    );
  } else if (pods.length > 0) {
    findings.ok(
      finding,
      `${pods.length} pods have requests for ${[...wanted].join(' and ')}: ${describe(pods[0]?.requests)} each`,
    );
  }
}

const describe = (requests: PodView['requests']): string =>
  requests === undefined
    ? 'not told'
    : [
        ...(requests.cpuCores === null ? [] : [`${requests.cpuCores} cores`]),
        ...(requests.memoryBytes === null ? [] : [`${Math.round(requests.memoryBytes / 2 ** 20)} MiB`]),
      ].join(', ') || 'none';

interface Placed extends Scaled {
  readonly kubernetes: KubernetesPort;
}

/** Requests of as many pods as `maxReplicas` needs more, against what ready nodes can still take. */
async function checkCapacity({ plan }: PreflightContext, { hpa, pods, kubernetes }: Placed, findings: Findings): Promise<void> {
  const finding = { check: 'capacity', at: `hpa ${hpa.name}` };
  const [sample] = pods;
  const request = sample?.requests;
  if (request === undefined || (request.cpuCores === null && request.memoryBytes === null)) {
    findings.warn(finding, 'the pods have no requests, so nobody can say how many more fit', 'set resources.requests');
    return;
  }
  const free = await findings.attempt(finding, () => fetchFree(kubernetes));
  if (free === undefined) return;
  const more = Math.max(0, hpa.maxReplicas - pods.length);
  const room = free.nodes.reduce((sum, node) => sum + roomOn(node, request), 0);
  const needed = Math.max(0, ...plan.objectives.map((o) => (o.kind === 'autoscaling' ? o.minReplicasReached : 0))) - pods.length;
  const evidence = `${free.nodes.length} ready nodes have room for ${room} more pods of ${describe(request)}; up to maxReplicas ${hpa.maxReplicas} are ${more} more${free.complete ? '' : ' (pods of other namespaces could not be counted: less than that is free)'}`;
  const hint = 'add nodes (or a cluster autoscaler, whose time then counts), or lower maxReplicas or the requests';
  if (room < needed) findings.fail(finding, `${evidence}; the plan asks for ${needed} more`, hint);
  else if (room < more) findings.warn(finding, evidence, hint);
  else findings.ok(finding, evidence);
}

interface FreeNode {
  readonly cpuCores: number;
  readonly memoryBytes: number;
  readonly pods: number;
}

async function fetchFree(
  kubernetes: KubernetesPort,
): Promise<{ readonly nodes: readonly FreeNode[]; readonly complete: boolean }> {
  const nodes = (await kubernetes.nodes.fetchNodes()).filter(
    ({ ready, unschedulable, taints }) => ready && !unschedulable && taints.length === 0,
  );
  // Counting all pods needs a cluster-wide permission that nothing else does: without it, only those of our namespace are counted.
  const everyNamespace = await kubernetes.allowed({ verb: 'list', group: '', resource: 'pods', everyNamespace: true });
  const free: FreeNode[] = [];
  for (const node of nodes) free.push(await freeOn(kubernetes, node, everyNamespace));
  return { nodes: free, complete: everyNamespace };
}

async function freeOn(kubernetes: KubernetesPort, node: NodeView, everyNamespace: boolean): Promise<FreeNode> {
  const pods = (await kubernetes.nodes.fetchPodsOn(node.name, { everyNamespace })).filter(
    ({ phase }) => phase !== 'Succeeded' && phase !== 'Failed',
  );
  const used = (of: (pod: PodView) => number | null | undefined): number => pods.reduce((sum, pod) => sum + (of(pod) ?? 0), 0);
  return {
    cpuCores: node.allocatable.cpuCores - used(({ requests }) => requests?.cpuCores),
    memoryBytes: node.allocatable.memoryBytes - used(({ requests }) => requests?.memoryBytes),
    pods: node.allocatable.pods - pods.length,
  };
}

/** How many pods of this size the node can still take. A thousandth of a core is rounding. */
function roomOn(free: FreeNode, { cpuCores, memoryBytes }: NonNullable<PodView['requests']>): number {
  const byCpu = cpuCores === null || cpuCores === 0 ? Number.POSITIVE_INFINITY : Math.floor((free.cpuCores + 1e-3) / cpuCores);
  const byMemory =
    memoryBytes === null || memoryBytes === 0 ? Number.POSITIVE_INFINITY : Math.floor(free.memoryBytes / memoryBytes);
  return Math.max(0, Math.min(byCpu, byMemory, free.pods));
}
