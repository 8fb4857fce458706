import { Command } from 'commander';
import { runLabProgram } from '../../clients/lab.ts';
import { HarnessError } from '../../errors.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';

interface Diagnosis {
  readonly part: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** A row of `lab doctor --json`. */
interface LabPart {
  readonly part: string;
  readonly ok: boolean;
  readonly version: string | null;
  readonly path: string | null;
  readonly reason: string;
  readonly hint: string | null;
}

export function doctorCommand({ env, output, setExitCode }: CliContext): Command {
  return new Command('doctor')
    .description('tell which k6, PostgreSQL and Redis would be used here, and why')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  $ peakproof doctor')
    .action(async (options: { readonly json?: true }) => {
      const rows: Diagnosis[] = [{ part: 'node', ok: true, detail: `${process.versions.node} at ${process.execPath}` }];
      rows.push(await diagnoseK6(env));
      const lab = await runLabProgram(['doctor', '--json'], { inherit: false, timeoutMs: 60_000 });
      if (lab.stdout !== undefined && String(lab.stdout).startsWith('['))
        rows.push(...(JSON.parse(String(lab.stdout)) as LabPart[]).map(diagnoseLabPart));
      else rows.push({ part: 'lab', ok: false, detail: String(lab.stderr ?? lab.shortMessage ?? '').trim() });
      if (options.json) output.out(JSON.stringify(rows, null, 2));
      else
        for (const row of rows)
          output.out(`${row.ok ? output.color.green('ok     ') : output.color.red('missing')}  ${row.part}: ${row.detail}`);
      if (rows.some((row) => !row.ok)) setExitCode(EXIT.harness);
    });
}

async function diagnoseK6(env: NodeJS.ProcessEnv): Promise<Diagnosis> {
  try {
    const { resolveK6 } = await import('../../load/resolve-k6.ts');
    const k6 = await resolveK6({ env, lookOnly: true });
    return { part: 'k6', ok: true, detail: k6.why };
  } catch (error) {
    if (!(error instanceof HarnessError)) throw error;
    return { part: 'k6', ok: false, detail: `${error.message}; ${error.hint ?? ''}` };
  }
}

function diagnoseLabPart({ part, ok, version, path, reason, hint }: LabPart): Diagnosis {
  const found = [version, path === null ? null : `at ${path}`].filter((text) => text !== null).join(' ');
  return { part, ok, detail: [found, reason, hint].filter((text) => text !== null && text !== '').join('; ') };
}
