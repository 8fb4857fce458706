/** Read-only checks before anything is seeded, loaded or broken. Collects every problem; changes nothing. */
import { preflightOdoo } from '../clients/odoo/preflight.ts';
import { type ErrorCode, HarnessError, type Problem } from '../errors.ts';
import type { Connections } from '../model/connections.ts';
import type { Plan } from '../model/plan.ts';
import type { Doors } from './connections.ts';
import { checkGuard } from './guard.ts';
import { checkAutoscaler } from './preflight/autoscaler.ts';
import { checkClientTimeouts } from './preflight/client-timeouts.ts';
import { checkClocks } from './preflight/clocks.ts';
import { checkDatabase } from './preflight/database.ts';
import { checkFaults } from './preflight/faults.ts';
import { Findings, type PreflightCheck, type PreflightContext } from './preflight/findings.ts';
import { checkLoadAfterFaults } from './preflight/load-after-faults.ts';
import { checkPermissions } from './preflight/permissions.ts';
import { checkPlannedKills } from './preflight/planned-kills.ts';
import { checkVersions } from './preflight/versions.ts';
import { checkRedis } from './preflight-redis.ts';

export { readClockOffsets } from './preflight/clocks.ts';
export type { PreflightCheck } from './preflight/findings.ts';

export interface PreflightProblem extends Problem {
  readonly code: ErrorCode;
}

export interface PreflightReport {
  /** Everything that was looked at, in order. */
  readonly checks: readonly PreflightCheck[];
  /** The checks that failed. */
  readonly problems: readonly PreflightProblem[];
  /** Worth knowing, but the run can go on. */
  readonly warnings: readonly Problem[];
  /** What was looked at and found right, one line each. */
  readonly passed: readonly string[];
}

export async function preflight(
  plan: Plan,
  connections: Connections,
  doors: Doors,
  options: { readonly iMean: readonly string[] },
): Promise<PreflightReport> {
  const findings = new Findings();
  const context: PreflightContext = { plan, connections, doors };
  const refused = checkGuard(connections, {
    iMean: options.iMean,
    ...(doors.faults.kubernetes && { kubernetes: doors.faults.kubernetes }),
  });
  for (const { at, message, hint } of refused) findings.fail({ check: 'guard', at }, message, hint, 'ERR_GUARD');
  // The guard comes first and alone: what is not allowed is not even asked.
  if (refused.length > 0) return reportOf(findings);
  findings.ok({ check: 'guard', at: 'plan' }, 'every host, database, context and namespace is one that the plan allows');
  checkClientTimeouts(context, findings);
  checkLoadAfterFaults(context, findings);
  await checkOdoo(context, findings);
  await checkVersions(context, findings);
  await checkKubernetes(context, findings);
  await checkDatabase(context, findings);
  await checkRedisServer(context, findings);
  await checkClocks(context, findings);
  await checkFaults(context, findings);
  return reportOf(findings);
}

function reportOf({ checks }: Findings): PreflightReport {
  const problemOf = ({ at, evidence, hint }: PreflightCheck): Problem => ({
    at,
    message: evidence,
    ...(hint !== undefined && { hint }),
  });
  return {
    checks,
    problems: checks
      .filter(({ verdict }) => verdict === 'fail')
      .map((check) => ({ ...problemOf(check), code: check.code ?? 'ERR_PREFLIGHT' })),
    warnings: checks.filter(({ verdict }) => verdict === 'warn').map(problemOf),
    passed: checks.filter(({ verdict }) => verdict === 'ok').map(({ evidence }) => evidence),
  };
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

async function checkOdoo({ doors }: PreflightContext, findings: Findings): Promise<void> {
  const finding = { check: 'odoo', at: `target ${doors.odoo.url}` };
  const report = await findings.attempt(finding, async () => {
    await doors.odoo.login();
    return preflightOdoo(doors.odoo);
  });
  if (report === undefined) return;
  for (const { at, message, hint } of report.warnings) findings.warn({ check: 'odoo', at }, message, hint);
  findings.ok(
    finding,
    `Odoo ${report.version} at ${doors.odoo.url} answers, and database "${doors.odoo.database}" has the models that the load uses`,
  );
}

async function checkKubernetes(context: PreflightContext, findings: Findings): Promise<void> {
  const { connections, doors } = context;
  const { kubernetes } = doors.faults;
  const target = connections.kubernetes;
  if (kubernetes === undefined || target === undefined) return;
  await checkPermissions(context, findings);
  const finding = { check: 'deployment', at: `deployment ${target.deployment}` };
  const deployment = await findings.attempt(finding, () => kubernetes.fetchDeployment(target.deployment));
  if (deployment === undefined) return;
  const told = `${deployment.readyReplicas} of ${deployment.replicas} replicas are ready`;
  if (deployment.readyReplicas < deployment.replicas) findings.warn(finding, told, 'start from a healthy deployment');
  else findings.ok(finding, told);
  await checkAutoscaler(context, findings);
  await checkPlannedKills(context, findings);
}

async function checkRedisServer({ plan, doors }: PreflightContext, findings: Findings): Promise<void> {
  const { problems, warnings, passed } = await checkRedis(plan, doors);
  for (const { at, message, hint, code } of problems) findings.fail({ check: 'redis', at }, message, hint, code);
  for (const { at, message, hint } of warnings) findings.warn({ check: 'redis', at }, message, hint);
  for (const evidence of passed) findings.ok({ check: 'redis', at: `redis ${doors.faults.redis?.label ?? ''}` }, evidence);
}
