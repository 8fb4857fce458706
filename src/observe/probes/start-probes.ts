import type { Clock, OdooPort, SessionStorePort } from '../../clients/ports.ts';
import type { TargetCatalogue } from '../../model/catalogue.ts';
import type { BusinessService, ProbeSpec } from '../../model/plan.ts';
import type { LedgerWrite, ProbeRecord } from '../../model/run-records.ts';
import { createFinancialPostingProbe } from './financial-posting.ts';
import { createOrderCaptureProbe } from './order-capture.ts';
import { createPosProbe, uuidOf } from './pos.ts';
import type { Probe, ProbeContext, ProbeShot } from './probe.ts';
import { createSessionStoreProbe, sessionKey } from './session-store.ts';

export interface ProbesOptions {
  readonly specs: readonly ProbeSpec[];
  readonly odoo: OdooPort;
  readonly catalogue: TargetCatalogue;
  /** For the probe of the session store. */
  readonly sessions?: SessionStorePort;
  /** Default one hour. */
  readonly sessionTtlSeconds?: number;
  readonly runId: string;
  readonly clock: Clock;
  /** Each record as soon as its outcome is known; not in the order sent. */
  readonly write: (record: ProbeRecord) => void;
  /** Each acknowledged or unknown write of a probe. */
  readonly ledger: (write: LedgerWrite) => void;
}

export interface RunningProbes {
  /**
   * Sends nothing more, waits for what is under way, puts away. Gives what could not be put away, in words. Throws what `write`
   * or `ledger` threw; that has ended the probes before.
   */
  stop(): Promise<readonly string[]>;
}

/** Unanswered shots of one probe above which none is sent: a target that hangs must not eat the harness's sockets. */
const MAX_IN_FLIGHT = 200;
/** A shot later than this is left out: then the harness itself stood still, which says nothing about the target. */
const MAX_LATENESS_MS = 5_000;
const DEFAULT_SESSION_TTL_SECONDS = 3_600;

const MAKERS: Readonly<Record<BusinessService, (context: ProbeContext) => Probe>> = {
  'order-capture': createOrderCaptureProbe,
  pos: createPosProbe,
  'financial-posting': createFinancialPostingProbe,
  'session-store': createSessionStoreProbe,
};

/**
 * Starts every probe at its fixed rate. Shots are due at whole intervals after the start on the monotonic clock, whatever the
 * answers do. Throws when a probe cannot be made ready (its POS session cannot be opened).
 */
export async function startProbes(options: ProbesOptions): Promise<RunningProbes> {
  const { specs, odoo, catalogue, clock, sessions, sessionTtlSeconds = DEFAULT_SESSION_TTL_SECONDS } = options;
  const probes = specs.map((spec) => {
    const { failoverDetector = false } = spec;
    const context = { odoo, catalogue, clock, sessionTtlSeconds, failoverDetector, ...(sessions && { sessions }) };
    return { spec, probe: MAKERS[spec.service](context) };
  });
  for (const { probe } of probes) await probe.start();
  const stopping = new AbortController();
  // Spread over the interval, so that the probes do not queue up behind each other.
  const failures: unknown[] = [];
  const fail = (error: unknown): void => {
    failures.push(error);
    stopping.abort();
  };
  const loops = probes.map(({ spec, probe }, index) => {
    const delayMs = (spec.intervalMs * index) / specs.length;
    return runProbe({ ...options, spec, probe, delayMs, signal: stopping.signal, fail }).catch(fail);
  });
  return {
    async stop() {
      stopping.abort();
      await Promise.all(loops);
      const left = await Promise.all(probes.map(({ probe }) => probe.stop()));
      if (failures.length > 0) throw failures[0];
      return left.flat();
    },
  };
}

interface ProbeLoop extends ProbesOptions {
  readonly spec: ProbeSpec;
  readonly probe: Probe;
  readonly delayMs: number;
  readonly signal: AbortSignal;
  /** Keeps an error of the harness itself until somebody waits for it. */
  readonly fail: (error: unknown) => void;
}

async function runProbe(loop: ProbeLoop): Promise<void> {
  const { spec, clock, delayMs, signal } = loop;
  const startedAt = clock.now() + delayMs;
  const startedMs = clock.monotonic() + delayMs;
  const inFlight = new Set<Promise<void>>();
  for (let number = 0; !signal.aborted; number += 1) {
    const dueMs = startedMs + number * spec.intervalMs;
    if (!(await sleepUntil(clock, dueMs, signal))) break;
    if (clock.monotonic() - dueMs > MAX_LATENESS_MS) continue;
    const scheduledAt = startedAt + number * spec.intervalMs;
    if (inFlight.size >= MAX_IN_FLIGHT) {
      loop.write(notSent(loop, number, scheduledAt));
      continue;
    }
    const shot: Promise<void> = fire(loop, number, scheduledAt)
      .catch(loop.fail)
      .finally(() => inFlight.delete(shot));
    inFlight.add(shot);
  }
  await Promise.all(inFlight);
}

async function fire(loop: ProbeLoop, number: number, scheduledAt: number): Promise<void> {
  const { spec, probe, clock } = loop;
  const key = keyOf(loop.runId, spec.service, number);
  const sentAt = clock.now();
  const sentMs = clock.monotonic();
  let shot: ProbeShot;
  try {
    shot = await probe.shoot(key, number, spec.timeoutMs);
  } catch (error) {
    // A login that has to be repeated throws; the shot was not answered right, and nothing of it is known to be done.
    shot = { outcome: 'unknown', detail: error instanceof Error ? error.message : String(error), writes: [] };
  }
  const latencyMs = clock.monotonic() - sentMs;
  const record = { service: spec.service, key, scheduledAt, sentAt, answeredAt: clock.now(), latencyMs, outcome: shot.outcome };
  const good = shot.outcome === 'ok' && latencyMs <= spec.slowMs;
  loop.write({ ...record, good, ...(shot.detail === undefined ? {} : { detail: shot.detail }) });
  for (const { model, effect, answer } of shot.writes) {
    if (answer.outcome === 'fail') continue;
    const { outcome, sentAt, answeredAt } = answer;
    loop.ledger({ row: 'write', key, service: spec.service, model, effect, origin: 'probe', outcome, sentAt, answeredAt });
  }
}

function notSent({ spec, runId, clock }: ProbeLoop, number: number, scheduledAt: number): ProbeRecord {
  const at = clock.now();
  return {
    service: spec.service,
    key: keyOf(runId, spec.service, number),
    scheduledAt,
    sentAt: at,
    answeredAt: at,
    latencyMs: 0,
    outcome: 'fail',
    good: false,
    detail: `not sent: ${MAX_IN_FLIGHT} shots are unanswered`,
  };
}

/** Unique over runs as the run's id is. A POS ticket's key is a UUID, as the POS makes them; a session's says whose it is. */
function keyOf(runId: string, service: BusinessService, number: number): string {
  if (service === 'session-store') return sessionKey(runId, number);
  const name = `PP-${runId}-probe-${service}-${number}`;
  return service === 'pos' ? uuidOf(name) : name;
}

/** False when the probes were stopped meanwhile. */
async function sleepUntil(clock: Clock, dueMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    const leftMs = dueMs - clock.monotonic();
    if (leftMs > 0) await clock.sleep(leftMs, { signal });
    return !signal.aborted;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
