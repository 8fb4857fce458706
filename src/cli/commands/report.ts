import { resolve } from 'node:path';
import { Command } from 'commander';
import type { CliContext } from '../context.ts';

export function reportCommand({ cwd, output }: CliContext): Command {
  return new Command('report')
    .description('write the reports of a run again, from its evaluation.json alone')
    .argument('[run]', 'run folder', 'runs/latest')
    .option('--json', 'print the paths as JSON')
    .addHelpText('after', '\nExample:\n  $ peakproof report runs/latest')
    .action(async (run: string, options: { readonly json?: true }) => {
      const { readEvaluation, reportFolder } = await import('../judge.ts');
      const runDir = resolve(cwd, run);
      const paths = await reportFolder(runDir, await readEvaluation(runDir));
      output.out(options.json ? JSON.stringify({ reports: paths }) : paths.join('\n'));
    });
}
