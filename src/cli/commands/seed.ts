import { resolve } from 'node:path';
import { Command } from 'commander';
import { HarnessError } from '../../errors.ts';
import { type CliContext, collect } from '../context.ts';
import { readLabFile } from '../lab-file.ts';
import { loadPlan } from '../load-plan.ts';

export function seedCommand({ cwd, env, output, interrupt }: CliContext): Command {
  return new Command('seed')
    .description("load a plan's data set into the target over RPC; can be repeated and resumed")
    .requiredOption('--plan <file>', 'plan file, or the name of a ready plan')
    .option('--lab <file>', 'the running lab that this JSON describes')
    .option('--i-mean <name>', 'exact name of a target that looks like production', collect, [])
    .option('--json', 'print the ids that the target gave, as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ peakproof lab up --detach --json > lab.json\n  $ peakproof seed --plan demo --lab lab.json',
    )
    .action(
      async (options: {
        readonly plan: string;
        readonly lab?: string;
        readonly iMean: readonly string[];
        readonly json?: true;
      }) => {
        const { connectionsOf, openDoors } = await import('../../run/connections.ts');
        const { checkGuard } = await import('../../run/guard.ts');
        const { seedTarget } = await import('../../seed/seed-target.ts');
        const plan = await loadPlan(options.plan, cwd);
        const connections = connectionsOf(
          plan,
          options.lab === undefined ? undefined : await readLabFile(resolve(cwd, options.lab)),
        );
        const { kubernetes: _kubernetes, postgres: _postgres, redis: _redis, ...odooOnly } = connections;
        const problems = checkGuard(odooOnly, options);
        if (problems.length > 0)
          throw new HarnessError('ERR_GUARD', 'the guard of this plan does not allow the target; nothing was touched', {
            problems,
          });
        const doors = await openDoors(connections, env);
        try {
          await doors.odoo.login();
          const catalogue = await seedTarget(doors.odoo, plan.dataset, plan.seed, {
            signal: interrupt,
            onProgress: (progress) => output.status(`seeding ${progress.what} ${progress.done}/${progress.total}`),
          });
          output.out(
            options.json
              ? JSON.stringify(catalogue)
              : `seeded: ${catalogue.products.length} products, ${catalogue.partners.length} customers, ${catalogue.tills.length} tills`,
          );
        } finally {
          await doors.close();
        }
      },
    );
}
