import { Command } from 'commander';
import type { CliContext } from '../context.ts';

export function faultsCommand({ output }: CliContext): Command {
  const command = new Command('faults').description('the faults that a plan can use');
  command
    .command('list')
    .description('list every fault, what it needs and what permissions it uses')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  $ peakproof faults list')
    .action(async (options: { readonly json?: true }) => {
      const { faults } = await import('../../../chaos/registry.ts');
      const rows = faults.map(({ kind, summary, needs, access }) => ({ kind, summary, needs, access }));
      if (options.json) output.out(JSON.stringify(rows, null, 2));
      else for (const row of rows) output.out(`${row.kind}\n  ${row.summary}\n  needs: ${row.needs.join(', ') || 'nothing'}`);
    });
  return command;
}
