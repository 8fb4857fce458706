import { resolve } from 'node:path';
import { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';

export function rollbackCommand({ cwd, env, output, setExitCode }: CliContext): Command {
  return new Command('rollback')
    .description('finish what a killed run left broken; can be repeated')
    .argument('[run]', 'run folder', 'runs/latest')
    .option('--json', 'print what was undone as JSON')
    .addHelpText('after', '\nExample:\n  $ peakproof rollback runs/latest')
    .action(async (run: string, options: { readonly json?: true }) => {
      const { rollbackFolder } = await import('../../run/rollback-folder.ts');
      const result = await rollbackFolder(resolve(cwd, run), env);
      if (options.json) output.out(JSON.stringify(result));
      else if (result.undone.length === 0) output.out('nothing is open: everything this run broke has been put back');
      else
        for (const item of result.undone)
          output.out(
            `${item.complete ? output.color.green('undone') : output.color.red('NOT UNDONE')}  ${item.fault}: ${item.detail}`,
          );
      if (!result.complete) setExitCode(EXIT.undoIncomplete);
    });
}
