import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { packageRoot } from '../clients/package-root.ts';
import { HarnessError } from '../errors.ts';
import type { Plan } from '../model/plan.ts';
import { readPlan } from '../plan/read-plan.ts';

/**
 * @param file A path, or the name of a ready plan of this package (`demo`).
 * @throws HarnessError ERR_PLAN_INVALID with every problem, ERR_USAGE when there is no such file.
 */
export async function loadPlan(file: string, cwd: string): Promise<Plan> {
  return (await loadPlanFile(file, cwd)).plan;
}

export interface PlanFile {
  readonly plan: Plan;
  readonly source: string;
}

/** As {@link loadPlan}, with the text of the file. */
export async function loadPlanFile(file: string, cwd: string): Promise<PlanFile> {
  const paths = [resolve(cwd, file), ...(/^[a-z0-9-]+$/.test(file) ? [resolve(packageRoot(), 'plans', `${file}.yaml`)] : [])];
  for (const path of paths) {
    const text = await readIfThere(path);
    if (text !== undefined) return { plan: readPlan(text, file), source: text };
  }
  throw new HarnessError('ERR_USAGE', `there is no plan at ${file}`, {
    hint: 'give the path of a plan file, or the name of a ready one, such as "demo"',
  });
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOENT') return undefined;
    throw new HarnessError(
      'ERR_USAGE',
      `cannot read the plan ${path}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}
