import { resolve } from 'node:path';
import { Command } from 'commander';
import { HarnessError } from '../../errors.ts';
import type { CliContext } from '../context.ts';
import { exitCodeForRun } from '../exit-codes.ts';

export function evaluateCommand({ cwd, output, setExitCode }: CliContext): Command {
  return new Command('evaluate')
    .description('judge a run folder again; needs nothing but the folder, and writes the same bytes each time')
    .argument('[run]', 'run folder', 'runs/latest')
    .option('--json', 'print the evaluation')
    .option('--schema', 'print the JSON Schema of evaluation.json and stop')
    .addHelpText('after', '\nExample:\n  $ peakproof evaluate runs/latest')
    .action(async (run: string, options: { readonly json?: true; readonly schema?: true }) => {
      if (options.schema) {
        const { evaluationJsonSchema } = await import('../../evaluate/schema.ts');
        output.out(JSON.stringify(evaluationJsonSchema(), null, 2));
        return;
      }
      if (run === '') throw new HarnessError('ERR_USAGE', 'the run folder is empty');
      const { evaluateFolder } = await import('../judge.ts');
      const { renderText } = await import('../../../reports/text.ts');
      const evaluation = await evaluateFolder(resolve(cwd, run));
      output.out(
        options.json ? JSON.stringify(evaluation, null, 2) : renderText(evaluation, { color: output.color.isColorSupported }),
      );
      setExitCode(
        exitCodeForRun({
          verdict: evaluation.verdict,
          undoComplete: evaluation.undoOpen.length === 0,
          interrupted: evaluation.interrupted,
        }),
      );
    });
}
