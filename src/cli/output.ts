/** The only place that writes to the terminal. Respects NO_COLOR and a stream that is no terminal. */
import pc from 'picocolors';
import { HarnessError } from '../errors.ts';

export interface Output {
  /** For people and machines alike: results. */
  readonly out: (text: string) => void;
  /** For people only: progress, warnings, errors. */
  readonly note: (text: string) => void;
  /** Replaces the last status line on a terminal; prints a plain line now and then elsewhere. */
  readonly status: (text: string) => void;
  readonly endStatus: () => void;
  readonly color: ReturnType<typeof pc.createColors>;
  readonly isTerminal: boolean;
}

/** A status line goes to something that is no terminal at most this often. */
const PLAIN_STATUS_EVERY_MS = 10_000;

export function createOutput(env: NodeJS.ProcessEnv, stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): Output {
  const isTerminal = stderr.isTTY === true && env.TERM !== 'dumb';
  const color = pc.createColors(isTerminal && (env.NO_COLOR ?? '') === '');
  let lineOpen = false;
  let lastPlainAt = 0;
  const endStatus = () => {
    if (lineOpen) stderr.write('\r\u001b[2K');
    lineOpen = false;
  };
  return {
    isTerminal,
    color,
    endStatus,
    out(text) {
      endStatus();
      stdout.write(`${text}\n`);
    },
    note(text) {
      endStatus();
      stderr.write(`${text}\n`);
    },
    status(text) {
      if (isTerminal) {
        const width = Math.max(20, (stderr.columns ?? 80) - 1);
        stderr.write(`\r\u001b[2K${text.length > width ? `${text.slice(0, width - 1)}…` : text}`);
        lineOpen = true;
        return;
      }
      const at = performance.now();
      if (lastPlainAt !== 0 && at - lastPlainAt < PLAIN_STATUS_EVERY_MS) return;
      lastPlainAt = at;
      stderr.write(`${text}\n`);
    },
  };
}

/** What went wrong, where, and the way out; never a stack trace for an error that we know. */
export function formatError(error: unknown, color: Output['color'], verbose: boolean): string {
  if (!(error instanceof HarnessError)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `${color.red('internal error')}: ${text}\nThis is a fault of Peakproof itself; please report it with the text above.`;
  }
  const lines = [`${color.red('error')} ${color.dim(error.code)}: ${error.message}`];
  for (const problem of error.problems) {
    lines.push(`  - ${problem.at}: ${problem.message}`);
    if (problem.hint !== undefined) lines.push(`    ${color.dim(problem.hint)}`);
  }
  if (error.hint !== undefined) lines.push(`  ${color.cyan('way out')}: ${error.hint}`);
  if (verbose && error.cause instanceof Error) lines.push(color.dim(error.cause.stack ?? error.cause.message));
  return lines.join('\n');
}
