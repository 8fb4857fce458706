/** The whole of `run` and `demo`: loaded only when one of them is asked for. */
import { resolve } from 'node:path';
import { renderText } from '../../reports/text.ts';
import { type RunningLab, startLab } from '../clients/lab.ts';
import { resolveK6 } from '../load/resolve-k6.ts';
import type { Plan } from '../model/plan.ts';
import { connectionsOf } from '../run/connections.ts';
import { describePlannedFaults } from '../run/describe-plan.ts';
import { formatProgress } from '../run/progress.ts';
import { runPlan } from '../run/run-plan.ts';
import type { CliContext } from './context.ts';
import { exitCodeForRun } from './exit-codes.ts';
import { evaluateFolder, reportFolder } from './judge.ts';
import { readLabFile } from './lab-file.ts';
import type { PlanFile } from './load-plan.ts';

export interface RunCommandOptions {
  readonly runs: string;
  readonly lab?: string;
  readonly iMean: readonly string[];
  readonly dryRun?: true;
  readonly json?: true;
}

/** The whole of `run` and `demo`. Sets the exit code. */
export async function runAndJudge(context: CliContext, { plan, source }: PlanFile, options: RunCommandOptions): Promise<void> {
  const { output, cwd, env, interrupt } = context;
  const k6 = options.dryRun ? undefined : await resolveK6({ env, signal: interrupt, onProgress: (line) => output.status(line) });
  const lab = await obtainLab(context, plan, options);
  try {
    const connections = connectionsOf(plan, lab?.connection);
    if (k6 === undefined) {
      output.out(await describePlannedFaults(plan, connections, { env, iMean: options.iMean }));
      return;
    }
    output.note(`k6 ${k6.version} (${k6.origin}), target ${connections.odoo.url}, plan "${plan.name}" with seed ${plan.seed}`);
    const runsDir = resolve(cwd, options.runs);
    const result = await runPlan({
      plan,
      source,
      connections,
      runsDir,
      env,
      k6,
      iMean: options.iMean,
      interrupt,
      onProgress: (progress) => output.status(formatProgress(progress)),
      onPreflight: (report) => {
        for (const warning of report.warnings) output.note(`${output.color.yellow('warning')} ${warning.at}: ${warning.message}`);
      },
    });
    const evaluation = await evaluateFolder(result.runDir);
    const reports = await reportFolder(result.runDir, evaluation);
    if (options.json)
      output.out(
        JSON.stringify({
          runId: result.runId,
          runDir: result.runDir,
          verdict: evaluation.verdict,
          undoComplete: result.undoComplete,
          reports,
        }),
      );
    else
      output.out(
        [
          renderText(evaluation, { color: output.color.isColorSupported }),
          '',
          'Reports:',
          ...reports.map((path) => `  ${path}`),
        ].join('\n'),
      );
    if (!result.undoComplete)
      output.note(
        `${output.color.red('NOT UNDONE')}: something the run broke is still broken. Try: peakproof rollback ${result.runDir}`,
      );
    context.setExitCode(
      exitCodeForRun({ verdict: evaluation.verdict, undoComplete: result.undoComplete, interrupted: result.interrupted }),
    );
  } finally {
    await lab?.stop();
  }
}

async function obtainLab(
  { cwd, output, interrupt }: CliContext,
  plan: Plan,
  options: RunCommandOptions,
): Promise<RunningLab | undefined> {
  if (plan.target.kind !== 'lab') return undefined;
  if (options.lab !== undefined) return { connection: await readLabFile(resolve(cwd, options.lab)), stop: async () => undefined };
  output.status('starting the lab');
  return startLab({
    spec: plan.target,
    name: `run-${process.pid}`,
    signal: interrupt,
    onProgress: (line) => output.status(`lab: ${line}`),
  });
}
