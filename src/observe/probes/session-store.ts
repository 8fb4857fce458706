import type { SessionWriter } from '../../clients/ports.ts';
import { HarnessError } from '../../errors.ts';
import type { Probe, ProbeContext } from './probe.ts';

/** Every key of this probe starts so, and nobody else's does: it is removed by name after the read-back. */
export function sessionKey(runId: string, number: number): string {
  return `peakproof:${runId}:session:${number}`;
}

/** What is stored under a key: the size and form of a small web session, and its own name, so that the read-back knows it again. */
export function sessionValue(key: string): string {
  return JSON.stringify({ sid: key, uid: 2, login: 'peakproof', context: { lang: 'en_US', tz: 'UTC' }, debug: '' });
}

/** A session written to Redis as the application writes its own. */
export function createSessionStoreProbe({ sessions, sessionTtlSeconds: ttlSeconds, failoverDetector }: ProbeContext): Probe {
  let writer: SessionWriter | null = null;
  return {
    service: 'session-store',
    async start() {
      if (sessions === undefined)
        throw new HarnessError('ERR_PREFLIGHT', 'the probe of the session store needs Redis, which this plan does not open', {
          hint: 'add the section "redis" to the plan, or leave the probe out',
        });
      writer = sessions.openWriter({ failoverDetector });
    },
    async shoot(key, _number, timeoutMs) {
      if (writer === null) return { outcome: 'fail', detail: 'the probe was not started', writes: [] };
      const answer = await writer.write(key, sessionValue(key), { ttlSeconds, timeoutMs });
      return {
        outcome: answer.outcome,
        ...(answer.outcome === 'ok' ? {} : { detail: answer.message ?? 'no message' }),
        writes: [{ model: 'redis.session', effect: 'create', answer }],
      };
    },
    async stop() {
      await writer?.close();
      return [];
    },
  };
}
