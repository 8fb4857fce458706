import { resolve } from 'node:path';
import { Command } from 'commander';
import { type CliContext, collect } from '../context.ts';
import { readLabFile } from '../lab-file.ts';
import { loadPlan } from '../load-plan.ts';

export function preflightCommand({ cwd, env, output }: CliContext): Command {
  return new Command('preflight')
    .description('check, read only, whether a plan can be run here and now; every problem is printed')
    .argument('<plan>', 'plan file, or the name of a ready plan')
    .option('--lab <file>', 'the running lab that this JSON describes')
    .option('--i-mean <name>', 'exact name of a target that looks like production', collect, [])
    .option('--json', 'print problems, warnings and what passed, as JSON')
    .addHelpText('after', '\nExample:\n  $ peakproof preflight demo --lab lab.json')
    .action(async (file: string, options: { readonly lab?: string; readonly iMean: readonly string[]; readonly json?: true }) => {
      const { connectionsOf, openDoors } = await import('../../run/connections.ts');
      const { preflight, requirePassed } = await import('../../run/preflight.ts');
      const plan = await loadPlan(file, cwd);
      const connections = connectionsOf(
        plan,
        options.lab === undefined ? undefined : await readLabFile(resolve(cwd, options.lab)),
      );
      const doors = await openDoors(connections, env);
      try {
        const report = await preflight(plan, connections, doors, options);
        if (options.json) output.out(JSON.stringify(report, null, 2));
        else {
          for (const line of report.passed) output.out(`${output.color.green('ok')}       ${line}`);
          for (const warning of report.warnings)
            output.out(
              `${output.color.yellow('warning')}  ${warning.at}: ${warning.message}${warning.hint === undefined ? '' : `\n         ${warning.hint}`}`,
            );
        }
        requirePassed(report);
      } finally {
        await doors.close();
      }
    });
}
