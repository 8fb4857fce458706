/** Deeds of the control endpoint as programs, for a harness that has to reach into a member and finds no container there. */
import { labProgram } from '../package-root.ts';
import { LabError } from './lab-error.ts';

export interface PostgresCommands {
  readonly killPatroni: readonly string[];
  readonly restartPatroni: readonly string[];
  readonly freezeWalsenders: readonly string[];
  readonly thawWalsenders: readonly string[];
}

export function postgresCommands(controlUrl: string): PostgresCommands {
  const deed = (path: string): readonly string[] => [process.execPath, labProgram('processes/main'), 'control', controlUrl, path];
  return {
    killPatroni: deed('/patroni/kill'),
    restartPatroni: deed('/patroni/restart'),
    freezeWalsenders: deed('/walsenders/freeze'),
    thawWalsenders: deed('/walsenders/thaw'),
  };
}

/** `lab control URL PATH`: the member is the one that PEAKPROOF_PRIMARY names. */
export async function runControl(url: string, path: string): Promise<void> {
  const member = process.env.PEAKPROOF_PRIMARY ?? '';
  const response = await fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify({ member }) });
  const text = await response.text();
  if (!response.ok) throw new LabError(`${path}: ${text}`);
  process.stdout.write(`${text}\n`);
}
