import { Command } from 'commander';
import { harnessVersion } from '../clients/harness-version.ts';
import { completionCommand } from './commands/completion.ts';
import { demoCommand } from './commands/demo.ts';
import { doctorCommand } from './commands/doctor.ts';
import { evaluateCommand } from './commands/evaluate.ts';
import { faultsCommand } from './commands/faults.ts';
import { generateCommand } from './commands/generate.ts';
import { importCommand } from './commands/import.ts';
import { labCommand } from './commands/lab.ts';
import { planCommand } from './commands/plan.ts';
import { preflightCommand } from './commands/preflight.ts';
import { rbacCommand } from './commands/rbac.ts';
import { reportCommand } from './commands/report.ts';
import { rollbackCommand } from './commands/rollback.ts';
import { runCommand } from './commands/run.ts';
import { seedCommand } from './commands/seed.ts';
import type { CliContext } from './context.ts';

const EXIT_CODE_HELP = `
Exit codes:
  0 pass   1 an objective failed   2 inconclusive   3 plan or usage wrong
  4 something could not be undone   5 harness or environment error   130 interrupted, reverted

Example:
  $ peakproof demo`;

export function buildProgram(context: CliContext): Command {
  const program = new Command('peakproof')
    .description("Proves, before the peak, that a retailer's Odoo will hold it.")
    .version(harnessVersion())
    .showHelpAfterError('(see --help)')
    .showSuggestionAfterError()
    .addHelpText('after', EXIT_CODE_HELP);
  const commands = [
    demoCommand(context),
    runCommand(context),
    planCommand(context),
    preflightCommand(context),
    rbacCommand(context),
    generateCommand(context),
    seedCommand(context),
    labCommand(context),
    evaluateCommand(context),
    reportCommand(context),
    importCommand(context),
    rollbackCommand(context),
    faultsCommand(context),
    doctorCommand(context),
  ];
  for (const command of commands) program.addCommand(command);
  program.addCommand(completionCommand(context, program));
  exitByException(program, context);
  return program;
}

/** Lets `main` alone decide the exit code, and sends commander's texts through our output. */
function exitByException(command: Command, context: CliContext): void {
  command.exitOverride();
  command.configureOutput({
    writeOut: (text) => context.output.out(text.trimEnd()),
    writeErr: (text) => context.output.note(text.trimEnd()),
  });
  for (const child of command.commands) exitByException(child, context);
}
