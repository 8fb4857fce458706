/** `--dry-run`: what each fault would touch, how far it reaches, and how it would be undone. */
import { faultFor } from '../../chaos/registry.ts';
import type { Connections } from '../model/connections.ts';
import type { Plan } from '../model/plan.ts';
import { openDoors } from './connections.ts';
import { preflight, requirePassed } from './preflight.ts';

/** @throws HarnessError with every problem of the preflight. */
export async function describePlannedFaults(
  plan: Plan,
  connections: Connections,
  options: { readonly env: NodeJS.ProcessEnv; readonly iMean: readonly string[] },
): Promise<string> {
  const doors = await openDoors(connections, options.env);
  try {
    requirePassed(await preflight(plan, connections, doors, options));
    const lines: string[] = [
      `plan "${plan.name}" against ${connections.odoo.url}, database "${connections.odoo.database}": nothing is touched by this dry run`,
    ];
    for (const spec of plan.faults) {
      const planned = await faultFor(spec.kind).plan(spec, doors.faults);
      lines.push(
        `${spec.id} (${spec.kind}) ${spec.atMs / 1_000} s into the disturbance`,
        `  target:       ${planned.target}`,
        `  blast radius: ${planned.blastRadius}`,
        `  undo:         ${planned.undo}`,
      );
      if (planned.prediction !== undefined) lines.push(`  prediction:   ${planned.prediction}`);
    }
    return lines.join('\n');
  } finally {
    await doors.close();
  }
}
