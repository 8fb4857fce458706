/** Programs of this machine, run to their end. Arguments never hold a secret: those go in by standard input or files. */
import { spawn } from 'node:child_process';
import { LabError } from '../processes/lab-error.ts';

export interface RunOptions {
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** Gets each line of standard error as it comes. */
  readonly onLine?: (line: string) => void;
}

const TAIL_CHARACTERS = 1_200;

/** Standard output. @throws LabError with the end of standard error when the program is missing or ends with another code than 0. */
export async function runProgram(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { input, env, cwd, signal, timeoutMs, onLine } = options;
  const child = spawn(program, [...args], {
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...(env === undefined ? {} : { env }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(signal === undefined ? {} : { signal }),
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs, killSignal: 'SIGKILL' as const }),
  });
  let output = '';
  let errors = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-TAIL_CHARACTERS);
    if (onLine) for (const line of text.split('\n')) if (line.trim() !== '') onLine(line.trim());
  });
  // A program that ends without reading its input is judged by its exit code.
  child.stdin?.on('error', () => undefined).end(input);
  const told = [program, ...args].join(' ').slice(0, 200);
  await new Promise<void>((resolve, reject) => {
    child.once('error', (cause) => reject(new LabError(`"${told}" could not run: ${cause.message}`, { cause })));
    child.once('close', (code, by) => {
      if (code === 0) resolve();
      else reject(new LabError(`"${told}" ended with ${code ?? by}: ${(errors || output).trim().slice(-TAIL_CHARACTERS)}`));
    });
  });
  return output;
}

/** Whether a program of that name is on PATH. */
export async function hasProgram(name: string): Promise<boolean> {
  return await runProgram('sh', ['-c', 'command -v -- "$1" >/dev/null', 'sh', name]).then(
    () => true,
    () => false,
  );
}
