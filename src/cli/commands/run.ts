import { Command } from 'commander';
import { type CliContext, collect } from '../context.ts';
import { loadPlanFile } from '../load-plan.ts';
import type { RunCommandOptions } from '../run-and-judge.ts';

export function runCommand(context: CliContext): Command {
  return new Command('run')
    .description('run a plan: preflight, seed, load, faults, observation, verdict, reports')
    .argument('<plan>', 'plan file, or the name of a ready plan')
    .option('--runs <dir>', 'folder that run folders are made in', 'runs')
    .option('--lab <file>', 'use the running lab that this JSON (from "lab up --detach --json") describes')
    .option('--i-mean <name>', 'exact name of a target that looks like production; once for each', collect, [])
    .option('--dry-run', 'print target, blast radius and undo of each fault, and touch nothing')
    .option('--json', 'print one JSON object with runId, runDir, verdict and the paths of the reports')
    .addHelpText(
      'after',
      '\nExamples:\n  $ peakproof run plans/demo.yaml\n  $ ODOO_PASSWORD=... peakproof run staging.yaml --dry-run',
    )
    .action(async (file: string, options: RunCommandOptions) => {
      const { runAndJudge } = await import('../run-and-judge.ts');
      await runAndJudge(context, await loadPlanFile(file, context.cwd), options);
    });
}
