import { readFileSync } from 'node:fs';
import { HarnessError } from '../errors.ts';
import type { SecretRef } from '../model/plan.ts';

/** Reads a secret from where the plan says it is. A final newline of a file does not belong to it. Throws ERR_SECRET_MISSING. */
export function readSecret(ref: SecretRef, env: Readonly<Record<string, string | undefined>>): string {
  if ('env' in ref) {
    const value = env[ref.env];
    if (value !== undefined && value !== '') return value;
    throw new HarnessError('ERR_SECRET_MISSING', `environment variable ${ref.env} is ${value === '' ? 'empty' : 'not set'}`, {
      hint: `set ${ref.env} in the environment of peakproof`,
    });
  }
  const text = readSecretFile(ref.file).replace(/\r?\n$/, '');
  if (text === '') throw new HarnessError('ERR_SECRET_MISSING', `secret file ${ref.file} is empty`);
  return text;
}

function readSecretFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new HarnessError('ERR_SECRET_MISSING', `secret file ${file} cannot be read (${reason})`, {
      cause,
      hint: 'check the path in the plan and the permissions of the file',
    });
  }
}
