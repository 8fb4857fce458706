import { Command } from 'commander';
import { runLabProgram } from '../../clients/lab.ts';
import type { CliContext } from '../context.ts';

/** Hands everything to the lab's own program: the lab is a system under test, not a part of the harness. */
export function labCommand(context: CliContext): Command {
  const command = new Command('lab').description('the practice lab: an Odoo-compatible ERP on real PostgreSQL and Redis');
  const subcommands = [
    [
      'up',
      'start a lab and print where its parts are',
      '$ peakproof lab up --detach --json > lab.json\n  $ peakproof lab up --sabotage lose-acknowledged-writes=5',
    ],
    ['down', 'stop a lab and leave nothing behind', '$ peakproof lab down\n  $ peakproof lab down --all'],
    ['status', 'tell what is running', '$ peakproof lab status --json'],
  ] as const;
  for (const [name, description, example] of subcommands) {
    command
      .command(name)
      .description(description)
      .argument('[options...]', `options of the lab; "peakproof lab ${name} --help" lists them`)
      .allowUnknownOption()
      .helpOption(false)
      .addHelpText('after', `\nExample:\n  ${example}`)
      .action(async (options: readonly string[]) => {
        const result = await runLabProgram([name, ...options], { inherit: true });
        context.setExitCode(result.exitCode ?? 5);
      });
  }
  return command;
}
