import type { HttpGet } from '../../clients/http-get.ts';
import type { Clock } from '../../clients/ports.ts';
import { timeoutMs } from '../../clients/timeouts.ts';
import type { ObserverSource } from './observer-loop.ts';

export function ingressSource(url: string, get: HttpGet, clock: Clock): ObserverSource {
  return {
    source: 'ingress',
    async look(signal) {
      const sentAt = clock.monotonic();
      const { status } = await get(url, { timeoutMs: timeoutMs('observerLook'), signal });
      return [{ at: clock.now(), source: 'ingress', status, latencyMs: clock.monotonic() - sentAt }];
    },
  };
}
