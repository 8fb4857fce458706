import { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { loadPlanFile } from '../load-plan.ts';

export function demoCommand(context: CliContext): Command {
  return new Command('demo')
    .description('a complete judged peak against the embedded lab: nothing to set up, everything stopped again')
    .option('--runs <dir>', 'folder that run folders are made in', 'runs')
    .option('--json', 'print one JSON object with runId, runDir, verdict and the paths of the reports')
    .addHelpText('after', '\nExample:\n  $ peakproof demo')
    .action(async (options: { readonly runs: string; readonly json?: true }) => {
      const { runAndJudge } = await import('../run-and-judge.ts');
      await runAndJudge(context, await loadPlanFile('demo', context.cwd), { ...options, iMean: [] });
    });
}
