/** `peakproof`: argv in, exit code out. */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CommanderError } from 'commander';
import { readTimeouts } from '../clients/timeouts.ts';
import { type CliContext, listenForInterrupts } from './context.ts';
import { EXIT, exitCodeForError } from './exit-codes.ts';
import { createOutput, formatError } from './output.ts';
import { buildProgram } from './program.ts';

/** Runs one command line and sets the exit code; never throws. */
export async function main(argv: readonly string[]): Promise<void> {
  const output = createOutput(process.env, process.stdout, process.stderr);
  const interrupts = listenForInterrupts(output);
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreClosedReader);
  let exitCode: number = EXIT.pass;
  const context: CliContext = {
    env: process.env,
    cwd: process.cwd(),
    output,
    interrupt: interrupts.signal,
    setExitCode(code) {
      exitCode = code;
    },
  };
  try {
    readTimeouts(process.env);
    await buildProgram(context).parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) exitCode = error.exitCode === 0 ? EXIT.pass : EXIT.usage;
    else {
      output.note(formatError(error, output.color, process.env.PEAKPROOF_DEBUG !== undefined));
      exitCode = exitCodeForError(error);
    }
  } finally {
    output.endStatus();
    interrupts.stop();
  }
  process.exitCode = exitCode;
}

/** `peakproof ... | head`: nobody reads any more, which is no error of ours, and no reason to leave a fault in force. */
function ignoreClosedReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

function isEntryPoint(): boolean {
  const script = process.argv[1];
  return script !== undefined && realpathSync(script) === fileURLToPath(import.meta.url);
}

if (isEntryPoint()) await main(process.argv);
