/** A client that gives up before the recovery target is over cannot see it met. Told by the plan alone. */
import type { Findings, PreflightContext } from './findings.ts';

export function checkClientTimeouts({ plan }: PreflightContext, findings: Findings): void {
  const targets = plan.objectives.flatMap((objective) => (objective.kind === 'recovery' ? [objective.maxRecoveryMs] : []));
  if (targets.length === 0) return;
  const longestMs = Math.max(...targets);
  const clients = [
    ...plan.load.scenarios.map(({ id, timeoutMs }) => ({ at: `load ${id}`, timeoutMs })),
    ...plan.probes.map(({ service, timeoutMs }) => ({ at: `probe ${service}`, timeoutMs })),
  ];
  const short = clients.filter(({ timeoutMs }) => timeoutMs < longestMs);
  for (const { at, timeoutMs } of short) {
    findings.fail(
      { check: 'client-timeout', at },
      `gives up after ${timeoutMs / 1_000} s, before the longest recovery target of ${longestMs / 1_000} s is over`,
      'raise the timeout above the target',
    );
  }
  if (short.length > 0) return;
  const shortestMs = Math.min(...clients.map(({ timeoutMs }) => timeoutMs));
  findings.ok(
    { check: 'client-timeout', at: 'plan' },
    `clients wait at least ${shortestMs / 1_000} s, recovery targets are at most ${longestMs / 1_000} s`,
  );
}
