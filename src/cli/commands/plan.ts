import { Command } from 'commander';
import { stringify } from 'yaml';
import { planJsonSchema } from '../../plan/schema.ts';
import type { CliContext } from '../context.ts';
import { loadPlan } from '../load-plan.ts';

export function planCommand({ output, cwd }: CliContext): Command {
  const command = new Command('plan').description('check a plan, show it resolved, or print its JSON Schema');
  command
    .command('check')
    .description('check one or more plans; every problem is printed with its place')
    .argument('<file...>', 'plan files (YAML or JSON)')
    .addHelpText('after', '\nExample:\n  $ peakproof plan check plans/demo.yaml')
    .action(async (files: readonly string[]) => {
      for (const file of files) {
        const plan = await loadPlan(file, cwd);
        output.out(`${file}: ok, plan "${plan.name}" with ${plan.objectives.length} objectives, ${plan.faults.length} faults`);
      }
    });
  command
    .command('show')
    .description('print a plan resolved: every default filled in, durations in milliseconds')
    .argument('<file>', 'plan file')
    .option('--json', 'print JSON instead of YAML')
    .addHelpText('after', '\nExample:\n  $ peakproof plan show plans/demo.yaml')
    .action(async (file: string, options: { readonly json?: true }) => {
      const plan = await loadPlan(file, cwd);
      output.out(options.json ? JSON.stringify(plan, null, 2) : stringify(plan).trimEnd());
    });
  command
    .command('schema')
    .description('print the JSON Schema of plans, for editors and checks')
    .addHelpText(
      'after',
      '\nExample:\n  $ peakproof plan schema > peakproof-plan.schema.json\n  then begin a plan with: # yaml-language-server: $schema=peakproof-plan.schema.json',
    )
    .action(() => output.out(JSON.stringify(planJsonSchema(), null, 2)));
  return command;
}
