import { resolve } from 'node:path';
import { Command } from 'commander';
import { HarnessError } from '../../errors.ts';
import type { CliContext } from '../context.ts';
import { readLabFile } from '../lab-file.ts';
import { loadPlan } from '../load-plan.ts';

/** What a lab calls its parts, for a plan whose lab is not there yet. */
const LAB = {
  kubernetes: { namespace: 'erp', deployment: 'erp', hpa: 'erp' },
  postgres: { driver: 'patroni', patroniUrls: [] },
} as const;

interface RbacOptions {
  readonly for: string;
  readonly lab?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly json?: true;
}

export function rbacCommand({ cwd, output }: CliContext): Command {
  return new Command('rbac')
    .description('print the Kubernetes account and roles with just the permissions that a plan uses')
    .requiredOption('--for <plan>', 'plan file, or the name of a ready plan')
    .option('--lab <file>', 'the running lab that this JSON describes, for plans whose target is a lab')
    .option('--namespace <name>', "namespace that the plan works in (default: the plan's)")
    .option('--name <name>', 'name of the account and its roles (default: peakproof-PLAN)')
    .option('--json', 'print a List as JSON instead of YAML documents')
    .addHelpText(
      'after',
      `
Cluster-wide roles are printed only where the plan needs them: to watch nodes and their free capacity (not with
kubernetes.namespaceOnly: true), and for faults that touch nodes or other namespaces.

Examples:
  $ peakproof rbac --for plan.yaml | kubectl apply -f -
  $ kubectl create token peakproof-plan -n erp --duration 2h`,
    )
    .action(async (options: RbacOptions) => {
      const { connectionsOf } = await import('../../run/connections.ts');
      const { rbacObjects } = await import('../../run/rbac/manifests.ts');
      const { requiredAccess } = await import('../../run/rbac/required-access.ts');
      const plan = await loadPlan(options.for, cwd);
      const lab = options.lab === undefined ? undefined : await readLabFile(resolve(cwd, options.lab));
      const { kubernetes, postgres, redis } =
        plan.target.kind === 'lab' && lab === undefined ? { ...LAB, ...plan } : connectionsOf(plan, lab);
      if (kubernetes === undefined) {
        throw new HarnessError('ERR_USAGE', `plan "${plan.name}" touches no Kubernetes that is known`, {
          hint: 'add the section "kubernetes" to the plan',
        });
      }
      const names = { name: options.name ?? `peakproof-${plan.name}`, namespace: options.namespace ?? kubernetes.namespace };
      const objects = rbacObjects(
        requiredAccess(plan, { kubernetes, ...(postgres && { postgres }), ...(redis && { redis }) }),
        names,
      );
      if (options.json) {
        output.out(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }, null, 2));
        return;
      }
      const { stringify } = await import('yaml');
      output.out(objects.map((object) => stringify(object).trimEnd()).join('\n---\n'));
    });
}
