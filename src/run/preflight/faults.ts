/** Each fault looks at its target as it would when its time comes, and changes nothing. */
import { faultFor } from '../../../chaos/registry.ts';
import type { Findings, PreflightContext } from './findings.ts';

export async function checkFaults({ plan, doors }: PreflightContext, findings: Findings): Promise<void> {
  for (const [index, spec] of plan.faults.entries()) {
    const finding = { check: 'fault', at: `faults[${index}] "${spec.id}"` };
    const fault = faultFor(spec.kind);
    const missing = fault.needs.filter((door) => doors.faults[door] === undefined);
    if (missing.length > 0) {
      findings.fail(
        finding,
        `${spec.kind} needs ${missing.join(' and ')}, which this plan does not open`,
        `add the section ${missing.join(', ')} to the plan, or leave the fault out`,
        'ERR_FAULT_UNSUPPORTED',
      );
      continue;
    }
    const planned = await findings.attempt(finding, () => fault.plan(spec, doors.faults));
    if (planned === undefined) continue;
    const prediction = planned.prediction === undefined ? '' : `; ${planned.prediction}`;
    findings.ok(finding, `${spec.id}: ${spec.kind} on ${planned.target}, ${planned.blastRadius}${prediction}`);
  }
}
