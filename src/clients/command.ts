import { execa } from 'execa';
import { HarnessError } from '../errors.ts';
import type { CommandPort } from './ports.ts';
import { timeoutMs as namedTimeoutMs } from './timeouts.ts';

/** Longest output kept of a program, in characters; more is cut, never an error. */
const MAX_OUTPUT_CHARACTERS = 200_000;

/** Runs programs of the plan without a shell, with no input, in the environment of the harness plus `env`. */
export function createCommandPort(): CommandPort {
  return {
    async run(argv, { timeoutMs, env, signal }) {
      const [program, ...args] = argv;
      if (program === undefined) throw new HarnessError('ERR_COMMAND', 'the command is empty');
      signal?.throwIfAborted();
      const result = await execa(program, args, {
        all: true,
        reject: false,
        stdin: 'ignore',
        timeout: Math.ceil(timeoutMs),
        forceKillAfterDelay: namedTimeoutMs('commandKillGrace'),
        maxBuffer: MAX_OUTPUT_CHARACTERS,
        ...(env === undefined ? {} : { env }),
        ...(signal === undefined ? {} : { cancelSignal: signal }),
      });
      const output = typeof result.all === 'string' ? result.all : '';
      signal?.throwIfAborted();
      if (result.timedOut) {
        throw new HarnessError(
          'ERR_TIMEOUT',
          `"${program}" did not end within ${timeoutMs} ms and was stopped${lastLine(output)}`,
        );
      }
      if (result.isMaxBuffer)
        throw new HarnessError('ERR_COMMAND', `"${program}" wrote more than ${MAX_OUTPUT_CHARACTERS} characters`);
      if (result.exitCode === undefined) {
        const why =
          result.signal === undefined ? (result.originalMessage ?? 'could not be started') : `ended by ${result.signal}`;
        throw new HarnessError('ERR_COMMAND', `"${program}": ${why}${lastLine(output)}`, {
          hint: 'the first word must be a program on PATH or a path; there is no shell',
          cause: result,
        });
      }
      return { exitCode: result.exitCode, output };
    },
  };
}

function lastLine(output: string): string {
  const line = output.trimEnd().split('\n').at(-1) ?? '';
  return line === '' ? '' : `; last line: ${line}`;
}
