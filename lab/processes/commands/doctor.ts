import { LabError, messageOf } from '../lab-error.ts';
import { findPostgresBinaries } from '../postgres/binaries.ts';
import { findRedis } from '../redis/find.ts';

export interface DoctorFinding {
  readonly part: 'redis' | 'postgres';
  readonly ok: boolean;
  readonly version: string | null;
  readonly path: string | null;
  /** Which one was taken and why, or what is missing. */
  readonly reason: string;
  readonly hint: string | null;
}

type Found = { readonly version: string; readonly path: string; readonly reason: string };

async function look(part: DoctorFinding['part'], find: () => Found | Promise<Found>): Promise<DoctorFinding> {
  try {
    const { version, path, reason } = await find();
    return { part, ok: true, version, path, reason, hint: null };
  } catch (error) {
    const hint = error instanceof LabError ? (error.hint ?? null) : null;
    return { part, ok: false, version: null, path: null, reason: messageOf(error), hint };
  }
}

/** Finds what a lab needs, fetching it when that is how it is found. Exit code 5 when something is missing. */
export async function runDoctor({ json }: { readonly json: boolean }): Promise<void> {
  const findings = [
    await look('postgres', () => {
      const { postgres, version, reason } = findPostgresBinaries();
      return { path: postgres, version, reason };
    }),
    await look('redis', findRedis),
  ];
  if (json) process.stdout.write(`${JSON.stringify(findings)}\n`);
  for (const { part, ok, version, reason, hint } of json ? [] : findings) {
    process.stdout.write(
      `${ok ? 'ok     ' : 'missing'} ${part} ${version ?? ''}: ${reason}${hint === null ? '' : `; ${hint}`}\n`,
    );
  }
  if (findings.some(({ ok }) => !ok)) process.exitCode = 5;
}
