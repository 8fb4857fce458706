import { Command } from 'commander';
import { renderText } from '../../../reports/text.ts';
import { HarnessError } from '../../errors.ts';
import { evaluationJsonSchema } from '../../evaluate/schema.ts';
import type { CliContext } from '../context.ts';
import { exitCodeForRun } from '../exit-codes.ts';
import { evaluateFolder, resolveRunDir } from '../judge.ts';

export function evaluateCommand({ cwd, output, setExitCode }: CliContext): Command {
  return new Command('evaluate')
    .description('judge a run folder again; needs nothing but the folder, and writes the same bytes each time')
    .argument('[run]', 'run folder', 'runs/latest')
    .option('--json', 'print the evaluation')
    .option('--schema', 'print the JSON Schema of evaluation.json and stop')
    .addHelpText('after', '\nExample:\n  $ peakproof evaluate runs/latest')
    .action(async (run: string, options: { readonly json?: true; readonly schema?: true }) => {
      if (options.schema) {
        output.out(JSON.stringify(evaluationJsonSchema(), null, 2));
        return;
      }
      if (run === '') throw new HarnessError('ERR_USAGE', 'the run folder is empty');
      const evaluation = await evaluateFolder(resolveRunDir(cwd, run));
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
