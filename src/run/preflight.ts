/** Read-only checks before anything is seeded, loaded or broken. Collects every problem; changes nothing. */
import { faultFor } from '../../chaos/registry.ts';
import { preflightOdoo } from '../clients/odoo/preflight.ts';
import type { Clock, HpaView, KubernetesPort } from '../clients/ports.ts';
import { timeoutMs } from '../clients/timeouts.ts';
import { type ErrorCode, HarnessError, type Problem } from '../errors.ts';
import type { Connections } from '../model/connections.ts';
import type { Plan } from '../model/plan.ts';
import type { Doors } from './connections.ts';
import { checkGuard } from './guard.ts';

export interface PreflightProblem extends Problem {
  readonly code: ErrorCode;
}

export interface PreflightReport {
  readonly problems: readonly PreflightProblem[];
  /** Worth knowing, but the run can go on. */
  readonly warnings: readonly Problem[];
  /** What was looked at and found right, one line each. */
  readonly passed: readonly string[];
}

interface Findings {
  readonly problems: PreflightProblem[];
  readonly warnings: Problem[];
  readonly passed: string[];
}

/** Largest difference of a foreign clock to ours that leaves joined times meaningful; the API server's Date header has whole seconds. */
const MAX_CLOCK_OFFSET_MS = 2_000;

export async function preflight(
  plan: Plan,
  connections: Connections,
  doors: Doors,
  options: { readonly iMean: readonly string[] },
): Promise<PreflightReport> {
  const findings: Findings = { problems: [], warnings: [], passed: [] };
  for (const problem of checkGuard(connections, {
    iMean: options.iMean,
    ...(doors.faults.kubernetes && { kubernetes: doors.faults.kubernetes }),
  }))
    findings.problems.push({ ...problem, code: 'ERR_GUARD' });
  // The guard comes first and alone: what is not allowed is not even asked.
  if (findings.problems.length > 0) return findings;
  await checkOdoo(doors, findings);
  await checkKubernetes(plan, connections, doors, findings);
  await checkClocks(doors, findings);
  await checkFaults(plan, doors, findings);
  return findings;
}

/** @throws HarnessError with the code of the first problem and all of them as `problems`. */
export function requirePassed(report: PreflightReport): void {
  const [first] = report.problems;
  if (first === undefined) return;
  const count = report.problems.length;
  throw new HarnessError(first.code, `preflight found ${count} problem${count === 1 ? '' : 's'}; nothing was touched`, {
    problems: report.problems,
  });
}

async function attempt<T>(findings: Findings, at: string, look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof HarnessError)) throw error;
    const inner: readonly Problem[] =
      error.problems.length > 0 ? error.problems : [{ at, message: error.message, ...(error.hint && { hint: error.hint }) }];
    findings.problems.push(...inner.map((problem) => ({ ...problem, code: error.code })));
    return undefined;
  }
}

async function checkOdoo(doors: Doors, findings: Findings): Promise<void> {
  const report = await attempt(findings, `target ${doors.odoo.url}`, async () => {
    await doors.odoo.login();
    return preflightOdoo(doors.odoo);
  });
  if (report === undefined) return;
  findings.warnings.push(...report.warnings);
  findings.passed.push(
    `Odoo ${report.version} at ${doors.odoo.url} answers, and database "${doors.odoo.database}" has the models that the load uses`,
  );
}

async function checkKubernetes(plan: Plan, connections: Connections, doors: Doors, findings: Findings): Promise<void> {
  const { kubernetes } = doors.faults;
  const target = connections.kubernetes;
  if (kubernetes === undefined || target === undefined) return;
  const at = `kubernetes ${kubernetes.context}/${kubernetes.namespace}`;
  const version = await attempt(findings, at, () => kubernetes.fetchVersion());
  if (version === undefined) return;
  findings.passed.push(`Kubernetes ${version}, context ${kubernetes.context}`);
  await attempt(findings, at, () => kubernetes.fetchDeployment(target.deployment));
  const wanted = plan.faults.flatMap((spec) => {
    const fault = faultFor(spec.kind);
    return fault.accessFor?.(spec, doors.faults) ?? fault.access;
  });
  const reads = [
    { verb: 'list', group: '', resource: 'pods' },
    { verb: 'get', group: 'apps', resource: 'deployments' },
    ...(target.hpa === undefined ? [] : [{ verb: 'get', group: 'autoscaling', resource: 'horizontalpodautoscalers' }]),
  ];
  const asked = new Set<string>();
  for (const question of [...reads, ...wanted]) {
    const resource = `${question.resource}${question.group === '' ? '' : `.${question.group}`}`;
    const name = `${question.verb} ${resource}${question.subresource === undefined ? '' : `/${question.subresource}`}`;
    if (asked.has(name)) continue;
    asked.add(name);
    const allowed = await attempt(findings, at, () => kubernetes.allowed(question));
    if (allowed === false)
      findings.problems.push({
        code: 'ERR_PREFLIGHT',
        at,
        message: `the account of this context may not "${name}" in namespace ${kubernetes.namespace}`,
        hint: `grant it: kubectl auth can-i ${question.verb} ${question.resource} -n ${kubernetes.namespace} must say yes`,
      });
  }
  await checkHpa(plan, target.hpa, doors, findings);
}

async function checkHpa(plan: Plan, name: string | undefined, doors: Doors, findings: Findings): Promise<void> {
  const { kubernetes } = doors.faults;
  if (name === undefined || kubernetes === undefined) return;
  const at = `hpa ${name}`;
  const hpa = await attempt(findings, at, () => fetchSettledHpa(kubernetes, name, doors.faults.clock));
  if (hpa === undefined) return;
  const judged = plan.objectives.some((objective) => objective.kind === 'autoscaling');
  if (!hasMetrics(hpa)) {
    const scalingActive = hpa.conditions.find((condition) => condition.type === 'ScalingActive');
    const problem = {
      code: 'ERR_PREFLIGHT' as const,
      at,
      message: `has no metrics (${scalingActive?.reason ?? 'no current value of its metric'}), so it cannot scale`,
      hint: 'check that metrics-server runs and that the containers have resource requests: kubectl describe hpa',
    };
    if (judged) findings.problems.push(problem);
    else findings.warnings.push(problem);
    return;
  }
  findings.passed.push(`HPA ${name} has metrics (${hpa.metric}), ${hpa.minReplicas} to ${hpa.maxReplicas} replicas`);
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

async function checkClocks(doors: Doors, findings: Findings): Promise<void> {
  for (const { source, offsetMs } of await readClockOffsets(doors)) {
    if (Math.abs(offsetMs) > MAX_CLOCK_OFFSET_MS)
      findings.warnings.push({
        at: source,
        message: `its clock is ${Math.round(offsetMs)} ms off ours; times read from it will be marked`,
        hint: 'synchronise both by NTP',
      });
  }
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

async function checkFaults(plan: Plan, doors: Doors, findings: Findings): Promise<void> {
  for (const [index, spec] of plan.faults.entries()) {
    const at = `faults[${index}] "${spec.id}"`;
    const fault = faultFor(spec.kind);
    const missing = fault.needs.filter((door) => doors.faults[door] === undefined);
    if (missing.length > 0) {
      findings.problems.push({
        code: 'ERR_FAULT_UNSUPPORTED',
        at,
        message: `${spec.kind} needs ${missing.join(' and ')}, which this plan does not open`,
        hint: `add the section ${missing.join(', ')} to the plan, or leave the fault out`,
      });
      continue;
    }
    const planned = await attempt(findings, at, () => fault.plan(spec, doors.faults));
    if (planned !== undefined)
      findings.passed.push(
        `${spec.id}: ${spec.kind} on ${planned.target}, ${planned.blastRadius}${planned.prediction === undefined ? '' : `; ${planned.prediction}`}`,
      );
  }
}
