/** Runs a program of the host to its end. */
import { execFile } from 'node:child_process';
import { LabError } from '../../processes/lab-error.ts';

export interface RunOptions {
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Exit codes that are no failure. Default: 0 only. */
  readonly okCodes?: readonly number[];
}

/** Standard output of the program. @throws LabError with the end of its standard error. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      [...args],
      {
        encoding: 'utf8',
        timeout: options.timeoutMs ?? 30_000,
        killSignal: 'SIGKILL',
        maxBuffer: 64 * 1024 * 1024,
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
        ...(options.env === undefined ? {} : { env: options.env }),
      },
      (error, stdout, stderr) => {
        if (error === null || (typeof error.code === 'number' && options.okCodes?.includes(error.code))) {
          resolve(stdout);
          return;
        }
        const end = stderr.trim().split('\n').slice(-4).join(' | ');
        const what = error.killed === true ? `took longer than ${(options.timeoutMs ?? 30_000) / 1000} s` : end || error.message;
        reject(new LabError(`"${[program, ...args].join(' ').slice(0, 200)}" failed: ${what}`, { cause: error }));
      },
    );
    if (options.input !== undefined) {
      // A program that ends before it has read all reports its own reason.
      child.stdin?.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EPIPE') reject(error);
      });
      child.stdin?.end(options.input);
    }
  });
}
