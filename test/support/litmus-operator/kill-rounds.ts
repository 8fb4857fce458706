/** pod-delete: rounds of interval + status checks until the duration is over; each picks anew and may hit a replacement. */
import { randomInt } from 'node:crypto';
import type { PodView } from '../../../src/clients/ports.ts';
import { EVENTS, type Stage } from './operator.ts';
import type { EngineRun } from './run-engine.ts';
import { SEEN } from './timing.ts';

export async function killRounds(stage: Stage, run: EngineRun, wait: (seconds: number) => Promise<void>): Promise<void> {
  const duration = Number(run.env.TOTAL_CHAOS_DURATION ?? '30');
  const round = Number(run.env.CHAOS_INTERVAL ?? '10') + SEEN.statusChecks;
  const first = new Set((await stage.kubernetes.fetchPods(run.label)).map(({ uid }) => uid));
  let kills = 0;
  for (let elapsed = 0; elapsed < duration; elapsed += round) {
    if (stage.traps.doesNothing !== true) {
      const pods = (await stage.kubernetes.fetchPods(run.label)).filter(({ deleting }) => !deleting);
      for (const victim of pick(pods, run, kills > 0 && stage.traps.hitsReplacement === true ? first : null)) {
        await stage.kubernetes.deletePod(victim.name, { uid: victim.uid, graceSeconds: run.env.FORCE === 'true' ? 0 : 30 });
        stage.story.push(`${run.name} killed ${victim.uid}`);
      }
    }
    kills += 1;
    await recordInject(stage, run, kills);
    await wait(round);
  }
}

function pick(pods: readonly PodView[], run: EngineRun, avoid: ReadonlySet<string> | null): readonly PodView[] {
  const percent = Math.min(100, Number(run.env.PODS_AFFECTED_PERC ?? '0') || 0);
  const count = Math.max(1, Math.floor((percent * pods.length) / 100));
  const preferred = avoid === null ? [] : pods.filter(({ uid }) => !avoid.has(uid));
  const pool = preferred.length > 0 ? [...preferred] : [...pods];
  return Array.from({ length: Math.min(count, pool.length) }, () => pool.splice(randomInt(pool.length), 1)).flat();
}

/** A repeated event is an update: count + 1, the old firstTimestamp. */
async function recordInject({ objects, clock }: Stage, run: EngineRun, count: number): Promise<void> {
  const now = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  const name = `ChaosInject${run.experiment}${run.uid}`.toLowerCase();
  if (count > 1) {
    await objects.patch(EVENTS, name, { count, lastTimestamp: now });
    return;
  }
  await objects.create(EVENTS, {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name },
    involvedObject: {
      apiVersion: 'litmuschaos.io/v1alpha1',
      kind: 'ChaosEngine',
      name: run.name,
      namespace: objects.namespace,
      uid: run.uid,
    },
    reason: 'ChaosInject',
    message: `Injecting ${run.experiment} chaos on application pod`,
    type: 'Normal',
    source: { component: run.pod },
    count,
    firstTimestamp: now,
    lastTimestamp: now,
  });
}
