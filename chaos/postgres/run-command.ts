import { timeoutMs } from '../../src/clients/timeouts.ts';
import { HarnessError } from '../../src/errors.ts';
import type { FaultDoors } from '../fault.ts';
import { requireDoor } from '../require-door.ts';

/** Runs a program of the plan and gives the last line that it wrote; any exit code but 0 is ERR_COMMAND. */
export async function runDatabaseCommand(
  argv: readonly string[],
  doors: FaultDoors,
  options: { readonly env: Readonly<Record<string, string>>; readonly signal?: AbortSignal; readonly timeoutMs?: number },
): Promise<string> {
  const { exitCode, output } = await requireDoor(doors, 'commands', 'postgres/failover').run(argv, {
    timeoutMs: options.timeoutMs ?? timeoutMs('databaseCommand'),
    env: options.env,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const line = output.trimEnd().split('\n').at(-1)?.slice(0, 300) ?? '';
  if (exitCode !== 0) {
    throw new HarnessError(
      'ERR_COMMAND',
      `"${argv.join(' ')}" ended with exit code ${exitCode}${line === '' ? '' : `: ${line}`}`,
    );
  }
  return `"${argv.join(' ')}" ended well${line === '' ? '' : `: ${line}`}`;
}
