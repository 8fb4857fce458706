/** What stays when the plan's kills have happened: ready pods, and the word of the disruption budgets. */
import { chooseVictims, type Victims } from '../../../chaos/kubernetes/choose-victims.ts';
import type { KubernetesPort, PodView } from '../../clients/ports.ts';
import { HarnessError } from '../../errors.ts';
import type { KillPodsSpec } from '../../model/plan.ts';
import type { Findings, PreflightContext } from './findings.ts';

export async function checkPlannedKills({ plan, doors }: PreflightContext, findings: Findings): Promise<void> {
  const { kubernetes } = doors.faults;
  if (kubernetes === undefined) return;
  for (const [index, spec] of plan.faults.entries()) {
    if (spec.kind !== 'kubernetes/kill-pods') continue;
    const finding = { check: 'planned-kill', at: `faults[${index}] "${spec.id}"` };
    await findings.attempt(finding, () => checkKill(spec, kubernetes, { findings, finding }));
  }
}

async function checkKill(
  spec: KillPodsSpec,
  kubernetes: KubernetesPort,
  { findings, finding }: { readonly findings: Findings; readonly finding: { readonly check: string; readonly at: string } },
): Promise<void> {
  const chosen = choose(spec, await kubernetes.fetchPods(spec.selector));
  if (chosen === null) return;
  const { victims, matching, affected } = chosen;
  const killed = victims.length;
  const left = matching.length - affected;
  const evidence = `${killed} of ${matching.length} pods go, ${left} ready ones stay`;
  if (left > 0) findings.ok(finding, evidence);
  else findings.warn(finding, `${evidence}: nobody is left to serve`, 'maxAffected of this fault allows it');
  for (const budget of await kubernetes.nodes.fetchDisruptionBudgets()) {
    const covered = await kubernetes.fetchPods(budget.selector);
    if (!covered.some(({ uid }) => victims.some((pod) => pod.uid === uid))) continue;
    const told = `disruption budget ${budget.name} lets ${budget.disruptionsAllowed} of ${budget.expectedPods} pods go (${budget.currentHealthy} healthy, ${budget.desiredHealthy} wanted)`;
    const at = { check: 'disruption-budget', at: finding.at };
    if (budget.disruptionsAllowed >= killed) findings.ok(at, told);
    else {
      // A deletion is not held back by a budget; it says all the same how much the owners allow to be missing.
      findings.missing(
        at,
        spec.maxAffectedRatio < 1,
        `${told}, and ${killed} would be killed`,
        'kill fewer, raise the replicas, or set maxAffected to 100% when the whole service may be meant to go',
      );
    }
  }
}

/** Null where the fault itself will be refused, which is told there. */
function choose(spec: KillPodsSpec, pods: readonly PodView[]): Victims | null {
  try {
    return chooseVictims(spec, pods, '');
  } catch (error) {
    if (error instanceof HarnessError) return null;
    throw error;
  }
}
