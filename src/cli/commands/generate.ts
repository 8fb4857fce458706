import { resolve } from 'node:path';
import { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { loadPlan } from '../load-plan.ts';

export function generateCommand({ cwd, output, interrupt }: CliContext): Command {
  return new Command('generate')
    .description("write a plan's data set as NDJSON; the same seed gives the same bytes")
    .requiredOption('--plan <file>', 'plan file, or the name of a ready plan')
    .requiredOption('--out <dir>', 'folder to write to')
    .option('--json', 'print files and counts as JSON')
    .addHelpText('after', '\nExample:\n  $ peakproof generate --plan demo --out dataset')
    .action(async (options: { readonly plan: string; readonly out: string; readonly json?: true }) => {
      const { writeDataset } = await import('../../seed/write-dataset.ts');
      const plan = await loadPlan(options.plan, cwd);
      const files = await writeDataset(plan.dataset, plan.seed, resolve(cwd, options.out), {
        signal: interrupt,
        onProgress: (text) => output.status(text),
      });
      output.out(options.json ? JSON.stringify(files) : files.map((file) => `${file.path}: ${file.records} records`).join('\n'));
    });
}
