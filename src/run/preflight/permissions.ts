/** May the account of this context do what the plan needs? Asked of the API one by one, so that the answer names what is missing. */
import { requiredAccess, resourceName } from '../rbac/required-access.ts';
import type { Findings, PreflightContext } from './findings.ts';

export async function checkPermissions({ plan, connections, doors }: PreflightContext, findings: Findings): Promise<void> {
  const { kubernetes } = doors.faults;
  if (kubernetes === undefined) return;
  const finding = { check: 'permissions', at: `kubernetes ${kubernetes.context}/${kubernetes.namespace}` };
  const needed = requiredAccess(plan, connections);
  let held = 0;
  for (const access of needed) {
    const allowed = await findings.attempt(finding, () => kubernetes.allowed(access));
    if (allowed === true) held += 1;
    if (allowed !== false) continue;
    const place = access.clusterWide ? 'in the whole cluster' : `in namespace ${kubernetes.namespace}`;
    findings.fail(
      finding,
      `the account of this context may not "${access.verb} ${resourceName(access)}" ${place}, needed for ${access.neededFor.join(', ')}`,
      access.clusterWide
        ? 'grant it with "peakproof rbac --for PLAN", or set kubernetes.namespaceOnly when only a fault does not need it'
        : 'grant it with "peakproof rbac --for PLAN"; "kubectl auth can-i" tells the same',
    );
  }
  if (held === needed.length && held > 0) findings.ok(finding, `all ${held} permissions that the plan needs are granted`);
}
