import { resolve } from 'node:path';
import { Command } from 'commander';
import type { PreflightCheck } from '../../run/preflight.ts';
import { type CliContext, collect } from '../context.ts';
import { readLabFile } from '../lab-file.ts';
import { loadPlan } from '../load-plan.ts';
import type { Output } from '../output.ts';

export function preflightCommand({ cwd, env, output }: CliContext): Command {
  return new Command('preflight')
    .description('check, read only, whether a plan can be run here and now; every check is printed with what it saw')
    .argument('<plan>', 'plan file, or the name of a ready plan')
    .option('--lab <file>', 'the running lab that this JSON describes')
    .option('--i-mean <name>', 'exact name of a target that looks like production', collect, [])
    .option('--json', 'print every check with its verdict and evidence, as JSON')
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
        else for (const check of report.checks) output.out(describeCheck(check, output.color));
        requirePassed(report);
      } finally {
        await doors.close();
      }
    });
}

function describeCheck({ check, at, verdict, evidence, hint }: PreflightCheck, color: Output['color']): string {
  const paint = { ok: color.green, warn: color.yellow, fail: color.red }[verdict];
  // A good check's evidence names what it is about.
  const text = verdict === 'ok' ? evidence : `${at}: ${evidence}`;
  const lines = [`${paint(verdict.padEnd(4))}  ${check.padEnd(18)} ${text}`];
  if (hint !== undefined) lines.push(`${' '.repeat(25)}${color.dim(hint)}`);
  return lines.join('\n');
}
