/** Shapes of the records in a run folder, to tell a damaged line from a good one. Unknown further fields are allowed. */
import { z } from 'zod';
import type { FileHeader } from '../model/run-records.ts';

const instant = z.number();
const count = z.number();
const text = z.string();
const service = z.enum(['order-capture', 'pos', 'financial-posting', 'session-store']);
const phase = z.enum(['warm-up', 'baseline', 'disturbance', 'recovery', 'settle']);
const event = <T extends string>(type: T, fields: z.ZodRawShape = {}) =>
  z.looseObject({ at: instant, type: z.literal(type), ...fields });
const observation = <T extends string>(source: T, fields: z.ZodRawShape = {}) =>
  z.looseObject({ at: instant, source: z.literal(source), ...fields });

export const journalEvent = z.discriminatedUnion('type', [
  event('run-started'),
  event('phase-started', { phase }),
  event('fault-planned', { fault: text, kind: text, target: text, blastRadius: text }),
  event('fault-injected', { fault: text, detail: text }),
  event('fault-proven', { fault: text, proven: z.boolean(), evidence: z.array(text) }),
  event('split-brain', {
    fault: text,
    orphan: text,
    primary: text,
    fromAt: instant,
    untilAt: instant,
    acknowledged: count,
    lostKeys: z.array(text),
  }),
  event('fault-ended', { fault: text }),
  event('fault-reverted', { fault: text, complete: z.boolean() }),
  event('fault-failed', { fault: text, code: text, detail: text }),
  event('abort', { reason: text }),
  event('interrupted', { signal: text }),
  event('observer-gap', { source: text, fromAt: instant, detail: text }),
  event('load-ended', { runner: text, exitCode: z.number().nullable() }),
  event('harness-event', { detail: text }),
  event('run-ended'),
]);

export const undoRecord = z.discriminatedUnion('state', [
  z.looseObject({ at: instant, id: text, state: z.literal('open'), fault: text, action: text }),
  z.looseObject({ at: instant, id: text, state: z.literal('closed') }),
]);

export const probeRecord = z.looseObject({
  service,
  key: text,
  sentAt: instant,
  answeredAt: instant,
  latencyMs: z.number().nonnegative(),
  outcome: z.enum(['ok', 'fail', 'unknown']),
  good: z.boolean(),
});

export const observationRecord = z.discriminatedUnion('source', [
  observation('hpa', {
    currentReplicas: count,
    desiredReplicas: count,
    maxReplicas: count,
    conditions: z.array(z.looseObject({ type: text, status: text, reason: text })),
  }),
  observation('pods', { pods: z.array(z.looseObject({ name: text, ready: z.boolean(), deleting: z.boolean() })) }),
  observation('pod-metrics', { pods: z.array(z.looseObject({ name: text, cpuCores: z.number() })) }),
  observation('deployment', { replicas: count, readyReplicas: count }),
  observation('events'),
  observation('nodes'),
  observation('patroni', {
    members: z.array(z.looseObject({ name: text, role: text, timeline: count, lagBytes: z.number().nullable() })),
  }),
  observation('postgres', {
    timeline: z.number().nullable(),
    replicas: z.array(z.looseObject({ name: text, replayLagBytes: z.number() })),
  }),
  observation('redis', { usedMemoryBytes: count, evictedKeys: count }),
  observation('ingress'),
  observation('sentinel', {
    master: text,
    configEpoch: count,
    servers: z.array(z.looseObject({ address: text, role: text, lagBytes: z.number().nullable() })),
  }),
]);

export const runnerRecord = z.looseObject({
  schemaVersion: z.literal(1),
  runner: text,
  startedAt: instant,
  endedAt: instant,
  exitCode: z.number().nullable(),
  signal: z.string().nullable(),
  planned: z.array(z.looseObject({ scenario: text, iterations: count })),
  scriptErrors: count,
});

export const environmentRecord = z.looseObject({
  schemaVersion: z.literal(1),
  runId: text,
  seed: z.number(),
  planDigest: text,
  clockOffsets: z.array(z.looseObject({ source: text, offsetMs: z.number() })),
});

/** The parts of a resolved plan that the judging reads; the plan's own checks were made before the run. */
export const resolvedPlan = z.looseObject({
  schemaVersion: z.literal(1),
  name: text,
  description: text,
  seed: z.number(),
  phases: z.looseObject({ baselineMs: z.number(), disturbanceMs: z.number(), recoveryMs: z.number() }),
  load: z.looseObject({ scenarios: z.array(z.looseObject({ id: text, kind: text, startAtMs: z.number() })) }),
  probes: z.array(z.looseObject({ service, intervalMs: z.number().positive() })),
  observeIntervalMs: z.number().positive(),
  faults: z.array(z.looseObject({ id: text, kind: text })),
  guards: z.looseObject({
    maxDroppedBaselineRatio: z.number(),
    minDeliveredRatio: z.number(),
    maxBadBaselineRatio: z.number(),
    minBaselineProbes: z.number(),
  }),
  objectives: z.array(
    z.looseObject({ id: text, kind: z.enum(['slo', 'attainment', 'recovery', 'data-loss', 'invariant', 'autoscaling']) }),
  ),
});

export const fileHeader = z.looseObject({ schemaVersion: z.number(), file: text, runId: text });

export type NdjsonFile = FileHeader['file'];
