/** What every command gets: the process it may touch, and nothing global. */
import { HarnessError } from '../errors.ts';
import type { Output } from './output.ts';

export interface CliContext {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly output: Output;
  /** Aborted by the first Ctrl-C or SIGTERM; the reason is the signal's name. */
  readonly interrupt: AbortSignal;
  setExitCode(code: number): void;
}

/** Commander's option parser for `--key VALUE` given several times. */
export function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

/** Says what to do with a signal: the first asks for an orderly end, the third ends at once. */
export function listenForInterrupts(output: Pick<Output, 'note'>): { readonly signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  let count = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    count += 1;
    if (count === 1) controller.abort(new HarnessError('ERR_INTERRUPTED', `interrupted by ${signal}`));
    else if (count === 2)
      output.note('Still putting things back. Once more ends at once and leaves the rest to "peakproof rollback".');
    else process.exit(130);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    stop() {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}
