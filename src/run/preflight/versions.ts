/** Which versions of the platform the harness knows. */
import type { Findings, PreflightContext } from './findings.ts';

interface Known {
  readonly name: string;
  /** Older than this lacks what the harness calls. */
  readonly oldest: string;
  /** Older than this was never tried. */
  readonly tried: string;
  readonly why: string;
}

const KUBERNETES: Known = { name: 'Kubernetes', oldest: '1.23', tried: '1.30', why: 'autoscaling/v2 is there from 1.23 on' };
const PATRONI: Known = { name: 'Patroni', oldest: '2.0', tried: '3.0', why: 'the REST API is that of Patroni 2 and later' };
const POSTGRES: Known = {
  name: 'PostgreSQL',
  oldest: '11',
  tried: '14',
  why: 'the views of replication are those of 11 and later',
};
const REDIS: Known = { name: 'Redis', oldest: '5.0', tried: '6.2', why: 'the INFO sections are those of 5.0 and later' };

export async function checkVersions({ doors }: PreflightContext, findings: Findings): Promise<void> {
  const { kubernetes, patroni, postgres, redis } = doors.faults;
  const ask = async (known: Known, at: string, look: () => Promise<string>): Promise<void> => {
    const finding = { check: 'versions', at };
    const version = await findings.attempt(finding, look);
    if (version !== undefined) judge(known, version, (verdict, text, hint) => findings[verdict](finding, text, hint));
  };
  if (kubernetes !== undefined) {
    const at = `kubernetes ${kubernetes.context}`;
    await ask(KUBERNETES, at, () => kubernetes.fetchVersion());
  }
  if (patroni !== undefined) await ask(PATRONI, 'patroni', async () => (await patroni.fetchConfig()).version);
  if (postgres !== undefined) await ask(POSTGRES, `postgres ${postgres.label}`, () => postgres.fetchVersion());
  if (redis !== undefined) {
    await ask(REDIS, `redis ${redis.label}`, async () => {
      const info = await redis.info();
      return info.redis_version ?? info.valkey_version ?? '';
    });
  }
}

function judge(
  { name, oldest, tried, why }: Known,
  version: string,
  say: (verdict: 'ok' | 'warn' | 'fail', text: string, hint?: string) => void,
): void {
  if (!/\d/.test(version)) say('warn', `${name} does not tell its version`, 'the run goes on');
  else if (isOlder(version, oldest)) say('fail', `${name} ${version} is too old: ${why}`, `update it to ${tried} or later`);
  else if (isOlder(version, tried))
    say('warn', `${name} ${version} is untested: ${tried} and later were tried`, 'the run goes on');
  else say('ok', `${name} ${version}`);
}

/** By the first two numbers; text before the first digit (`v1.34.0`) says nothing. */
export function isOlder(version: string, than: string): boolean {
  const parts = (text: string): readonly [number, number] => {
    const [, major = '0', minor = '0'] = /(\d+)(?:\.(\d+))?/.exec(text) ?? [];
    return [Number(major), Number(minor)];
  };
  const [major, minor] = parts(version);
  const [otherMajor, otherMinor] = parts(than);
  return major < otherMajor || (major === otherMajor && minor < otherMinor);
}
