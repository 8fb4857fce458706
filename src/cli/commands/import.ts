import { resolve } from 'node:path';
import { Command } from 'commander';
import { HarnessError } from '../../errors.ts';
import type { CliContext } from '../context.ts';

interface LitmusOptions {
  readonly run: string;
  readonly fault?: string;
  readonly engine?: string;
  readonly from?: string;
  readonly until?: string;
  readonly json?: true;
}

export function importCommand(context: CliContext): Command {
  return new Command('import').description('add what others recorded to a run folder').addCommand(litmusCommand(context));
}

function litmusCommand({ cwd, output }: CliContext): Command {
  return new Command('litmus')
    .description('add the record of a fault that Litmus (ChaosCenter) injected while the run lasted')
    .argument('<file>', 'exported ChaosResult, ChaosEngine, a list of them, or experiment run of ChaosCenter; JSON or YAML')
    .option('--run <dir>', 'run folder', 'runs/latest')
    .option('--fault <id>', "id of the plan's litmus/external fault; needed when it has several")
    .option('--engine <name>', 'which ChaosEngine, when the file has several of that experiment')
    .option('--from <time>', "ISO time of the cluster's clock, when the file does not tell when the experiment began")
    .option('--until <time>', 'the same for its end')
    .option('--json', 'print the record as JSON')
    .addHelpText('after', '\nExample:\n  $ peakproof import litmus chaosresult.json --run runs/latest --fault kill-pods')
    .action(async (file: string, options: LitmusOptions) => {
      const { importLitmus } = await import('../../import/litmus/import-litmus.ts');
      const { readTime } = await import('../../import/litmus/read-export.ts');
      const time = (name: 'from' | 'until'): number | undefined => {
        const text = options[name];
        if (text === undefined) return undefined;
        const at = readTime(text);
        if (at === null) throw new HarnessError('ERR_USAGE', `--${name} "${text}" is no time such as 2026-11-27T09:00:00Z`);
        return at;
      };
      const [fromServerAt, untilServerAt] = [time('from'), time('until')];
      const imported = await importLitmus({
        file: resolve(cwd, file),
        runDir: resolve(cwd, options.run),
        ...(options.fault !== undefined && { fault: options.fault }),
        ...(options.engine !== undefined && { engine: options.engine }),
        ...(fromServerAt !== undefined && { fromServerAt }),
        ...(untilServerAt !== undefined && { untilServerAt }),
        now: Date.now(),
      });
      if (options.json) {
        output.out(JSON.stringify(imported));
        return;
      }
      output.out(`fault ${imported.fault}: ${imported.proven ? 'shown to have happened' : 'NOT shown to have happened'}`);
      output.out(`  from ${new Date(imported.injectedAt).toISOString()} to ${new Date(imported.endedAt).toISOString()}`);
      for (const line of imported.evidence) output.out(`  ${line}`);
      output.out(`Now judge the run again: peakproof evaluate ${options.run}`);
    });
}
