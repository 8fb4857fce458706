/** Foreign clocks against ours: times read from them are joined with our own. */
import type { Doors } from '../connections.ts';
import type { Findings, PreflightContext } from './findings.ts';

/** Largest difference of a foreign clock to ours that leaves joined times meaningful; the API server's Date header has whole seconds. */
const MAX_CLOCK_OFFSET_MS = 2_000;
/** Metrics this old come from a clock that is behind, or are not made any more. */
const MAX_METRICS_AGE_MS = 120_000;

export async function checkClocks({ connections, doors }: PreflightContext, findings: Findings): Promise<void> {
  const hint = 'synchronise both by NTP';
  for (const { source, offsetMs } of await readClockOffsets(doors)) {
    const finding = { check: 'clocks', at: source };
    const told = `the clock of ${source} is ${Math.round(offsetMs)} ms off ours`;
    if (Math.abs(offsetMs) > MAX_CLOCK_OFFSET_MS) findings.warn(finding, `${told}; times read from it will be marked`, hint);
    else findings.ok(finding, told);
  }
  const { kubernetes, clock } = doors.faults;
  const deployment = connections.kubernetes?.deployment;
  if (kubernetes === undefined || deployment === undefined) return;
  const ages = await findings.attempt({ check: 'clocks', at: 'nodes' }, () => metricsAges(kubernetes, deployment, clock.now()));
  for (const [node, ageMs] of ages ?? []) {
    const finding = { check: 'clocks', at: `node ${node}` };
    if (ageMs < -MAX_CLOCK_OFFSET_MS) {
      findings.warn(
        finding,
        `the clock of node ${node} is at least ${Math.round(-ageMs)} ms ahead of ours: metrics from the future`,
        hint,
      );
    } else if (ageMs > MAX_METRICS_AGE_MS) {
      findings.warn(
        finding,
        `the newest metrics of node ${node} are ${Math.round(ageMs / 1_000)} s old: its clock is behind, or nobody scrapes it`,
        hint,
      );
    } else findings.ok(finding, `the newest metrics of node ${node} are ${Math.round(ageMs / 1_000)} s old by our clock`);
  }
}

/** Age of the newest metrics of each node with pods of the deployment: the node's own clock stamps them. */
async function metricsAges(
  kubernetes: NonNullable<Doors['faults']['kubernetes']>,
  deployment: string,
  now: number,
): Promise<ReadonlyMap<string, number>> {
  const { selector } = await kubernetes.fetchDeployment(deployment);
  const nodeOf = new Map((await kubernetes.fetchPods(selector)).map(({ name, node }) => [name, node]));
  const ages = new Map<string, number>();
  for (const { name, serverAt } of await kubernetes.fetchPodMetrics(selector)) {
    const node = nodeOf.get(name);
    if (node === undefined || serverAt === null) continue;
    ages.set(node, Math.min(ages.get(node) ?? Number.POSITIVE_INFINITY, now - serverAt));
  }
  return ages;
}

/** Offsets of the clocks that can be asked; one that cannot be asked is left out. */
export async function readClockOffsets(doors: Doors): Promise<{ readonly source: string; readonly offsetMs: number }[]> {
  const { kubernetes, postgres } = doors.faults;
  const asked = [
    { source: 'kubernetes', read: kubernetes && (() => kubernetes.fetchClockOffsetMs()) },
    { source: 'postgres', read: postgres && (() => postgres.fetchClockOffsetMs()) },
  ];
  const offsets = await Promise.all(
    asked.map(async ({ source, read }) => {
      if (read === undefined) return [];
      const [result] = await Promise.allSettled([read()]);
      return result?.status === 'fulfilled' ? [{ source, offsetMs: result.value }] : [];
    }),
  );
  return offsets.flat();
}
