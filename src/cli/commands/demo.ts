import { Command, Option } from 'commander';
import type { CliContext } from '../context.ts';
import { loadPlanFile } from '../load-plan.ts';

export function demoCommand(context: CliContext): Command {
  return new Command('demo')
    .description('a complete judged peak against the practice lab: nothing to set up, everything stopped again')
    .addOption(
      new Option('--on <place>', 'where the lab runs; kubernetes: a node of its own on this host (Linux, root)')
        .choices(['processes', 'kubernetes'])
        .default('processes'),
    )
    .option('--runs <dir>', 'folder that run folders are made in', 'runs')
    .option('--json', 'print one JSON object with runId, runDir, verdict and the paths of the reports')
    .addHelpText('after', '\nExample:\n  $ peakproof demo\n  $ sudo peakproof demo --on kubernetes')
    .action(async ({ on, ...options }: { readonly runs: string; readonly on: string; readonly json?: true }) => {
      const { runAndJudge } = await import('../run-and-judge.ts');
      await runAndJudge(context, await loadPlanFile(on === 'kubernetes' ? 'demo-kubernetes' : 'demo', context.cwd), {
        ...options,
        iMean: [],
      });
    });
}
