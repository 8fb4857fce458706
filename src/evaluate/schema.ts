/** The published shape of `evaluation.json`. */
import { z } from 'zod';
import { HarnessError } from '../errors.ts';
import type { Evaluation } from '../model/evaluation.ts';

const verdict = z.enum(['pass', 'fail', 'inconclusive']).describe('fail > inconclusive > pass; no data is never a pass');
const service = z.enum(['order-capture', 'pos', 'financial-posting', 'session-store']);
const phase = z.enum(['warm-up', 'baseline', 'disturbance', 'recovery', 'settle']);
const instant = z.number().describe('UTC epoch milliseconds of the clock of the harness');
const count = z.int().nonnegative();
const figure = z.number().nullable();

const evidence = z.object({ text: z.string(), file: z.string().optional().describe('file of the run folder it rests on') });

const objective = z.object({
  id: z.string(),
  kind: z.enum(['slo', 'attainment', 'recovery', 'data-loss', 'invariant', 'autoscaling']),
  service: z.enum([...service.options, 'platform']),
  verdict,
  measured: figure.describe('null: nothing could be measured'),
  target: z.number(),
  unit: z.enum(['ms', 'ratio', 'writes', 'violations', 'replicas']),
  direction: z.enum(['at-most', 'at-least']),
  margin: figure.describe('distance to the target as a share of it, positive when met'),
  errorBar: figure.describe('half-width of the measurement error, in the same unit'),
  censored: z.boolean().describe('the true value is larger than `measured`: the run ended first'),
  reason: z.string(),
  evidence: z.array(evidence),
  source: z.string().optional(),
  details: z.array(
    z.object({
      name: z.string(),
      value: z.union([z.number(), z.string(), z.null()]),
      unit: z.string().optional(),
      target: z.number().optional(),
    }),
  ),
});

const environment = z.looseObject({
  schemaVersion: z.literal(1),
  runId: z.string(),
  harnessVersion: z.string(),
  nodeVersion: z.string(),
  k6Version: z.string(),
  host: z.object({ platform: z.string(), cpus: z.number(), memoryBytes: z.number() }),
  seed: z.number(),
  planDigest: z.string(),
  target: z.object({ kind: z.string(), url: z.string(), database: z.string(), version: z.string() }),
  kubernetes: z.looseObject({ version: z.string(), context: z.string(), namespace: z.string() }).optional(),
  postgres: z.looseObject({ version: z.string() }).optional(),
  redis: z
    .looseObject({ version: z.string(), maxMemoryBytes: z.number(), policy: z.string(), maxClients: z.number() })
    .optional(),
  clockOffsets: z.array(z.object({ source: z.string(), offsetMs: z.number() })),
});

const dated = z.array(z.object({ at: instant, text: z.string() }));

const scaling = z.object({
  objective: z.string(),
  autoscaler: z.string(),
  scalesOn: z.array(z.string()),
  madeBy: z.string().nullable(),
  stepAt: instant,
  stages: z.array(
    z.object({
      name: z.enum(['metric', 'decision', 'scheduling', 'start', 'readiness', 'service-level-back']),
      fromAt: instant.nullable(),
      toAt: instant.nullable(),
      durationMs: figure.describe('null: not seen, `note` says why'),
      resolutionMs: figure.describe('within how many ms the end of the stage is known'),
      source: z.string().describe('what it was read from, and whose clock that is'),
      note: z.string().optional(),
    }),
  ),
  bound: z.object({ text: z.string(), fastestMs: figure, slowestMs: figure }).nullable(),
  limitedByMax: z.boolean(),
  scaleIn: z.object({ loadFellAt: instant.nullable(), startedMs: figure, doneMs: figure, text: z.string() }),
  conditions: dated,
  events: dated,
});

const rightsizing = z.object({
  workload: z.string(),
  phases: z.array(
    z.object({
      phase,
      samples: count,
      podCpuP95Cores: figure,
      podCpuMaxCores: figure,
      podMemoryMaxBytes: figure,
      totalCpuP95Cores: figure,
      readyMin: figure,
      readyMax: figure,
      desiredMax: figure,
    }),
  ),
  advice: z.array(
    z.object({
      setting: z.enum(['cpu request', 'memory request', 'minReplicas', 'maxReplicas', 'target utilisation']),
      current: figure,
      advised: figure.describe('null: none can be given, `reason` says why'),
      unit: z.enum(['cores', 'bytes', 'replicas', 'ratio']),
      reason: z.string().describe('the numbers it rests on'),
    }),
  ),
  noAdvice: z.string().nullable().describe('why there is no advice at all'),
});

export const evaluationSchema = z.object({
  schemaVersion: z.literal(1),
  runId: z.string(),
  verdict,
  objectives: z.array(objective),
  plan: z.object({ name: z.string(), description: z.string(), digest: z.string(), seed: z.number() }),
  startedAt: instant,
  endedAt: instant,
  interrupted: z.boolean(),
  aborted: z.string().nullable().describe('reason of the abort condition that fired'),
  undoOpen: z.array(z.object({ id: z.string(), fault: z.string(), action: z.string() })),
  guards: z.array(
    z.object({
      id: z.string(),
      held: z.boolean(),
      reason: z.string(),
      objectives: z.array(z.string()).describe('objectives it makes inconclusive; empty: all of them'),
    }),
  ),
  phases: z.array(z.object({ phase, startAt: instant, endAt: instant })),
  faults: z.array(
    z.object({
      fault: z.string(),
      kind: z.string(),
      target: z.string(),
      blastRadius: z.string(),
      prediction: z.string().optional(),
      injectedAt: instant.nullable(),
      endedAt: instant.nullable(),
      revertedAt: instant.nullable(),
      proven: z.boolean(),
      reverted: z.boolean(),
      evidence: z.array(z.string()),
      splitBrain: z
        .object({
          orphan: z.string(),
          primary: z.string(),
          fromAt: instant,
          untilAt: instant,
          censored: z.boolean().describe('the orphan took writes still when the watch ended'),
          acknowledged: count,
          lostKeys: z.array(z.string()),
        })
        .optional()
        .describe('two members took writes at once'),
    }),
  ),
  recoveries: z.array(
    z.object({
      service,
      fault: z.string(),
      injectedAt: instant,
      impactAt: instant.nullable(),
      firstOkAt: instant.nullable(),
      recoveredAt: instant.nullable(),
      recoveryMs: z.number().nonnegative().nullable(),
      errorBarMs: z.number().nonnegative(),
      censored: z.boolean(),
      bound: z.object({ text: z.string(), ms: figure }).nullable(),
    }),
  ),
  autoscaling: z
    .array(scaling)
    .optional()
    .describe(
      'how the autoscaler answered the load step of each objective: each part of the way, and what its configuration allows',
    ),
  rightsizing: rightsizing.optional().describe('advice from measured use; never part of a verdict'),
  gaps: z
    .array(
      z.object({
        source: z.string(),
        fromAt: instant,
        toAt: instant,
        reason: z.string(),
        trouble: z
          .enum([
            'unreachable',
            'timeout',
            'throttled',
            'credentials',
            'gone',
            'server-error',
            'forbidden',
            'not-found',
            'refused',
          ])
          .optional(),
      }),
    )
    .optional()
    .describe('spans in which a part of the platform could not be seen'),
  scenarios: z.array(
    z.object({
      scenario: z.string(),
      loadClass: z.string(),
      service: z.string(),
      phases: z.array(
        z.object({
          phase,
          scheduled: count,
          dropped: count,
          interrupted: count,
          ok: count,
          fail: count,
          unknown: count,
          p50Ms: figure,
          p95Ms: figure,
          p99Ms: figure,
          perSecond: z.number(),
        }),
      ),
    }),
  ),
  dataLoss: z.array(
    z.object({
      service,
      acknowledged: count,
      unknown: count,
      unknownThatHappened: count,
      lostKeys: z.array(z.object({ key: z.string(), model: z.string(), effect: z.string(), answeredAt: instant })),
      duplicatedKeys: z.array(z.string()),
      readBacks: count,
    }),
  ),
  invariants: z.array(z.object({ invariant: z.string(), checked: count, violations: z.array(z.string()) })),
  loadSteps: z
    .array(z.object({ scenario: z.string(), at: instant, fromPerSecond: z.number(), toPerSecond: z.number() }))
    .optional(),
  timeline: z.object({
    startAt: instant,
    stepMs: z.number().positive(),
    points: count,
    series: z.array(
      z.object({
        name: z.string(),
        unit: z.string(),
        panel: z.enum(['throughput', 'attainment', 'latency', 'errors', 'replicas', 'replication', 'redis', 'probes']),
        values: z.array(figure),
      }),
    ),
  }),
  environment,
});

/** JSON Schema (draft 2020-12) of `evaluation.json`. Readers must allow for fields added later. */
export function evaluationJsonSchema(): Readonly<Record<string, unknown>> {
  return { title: 'Peakproof evaluation', ...z.toJSONSchema(evaluationSchema, { io: 'input', target: 'draft-2020-12' }) };
}

/** `path` is for the message only. @throws HarnessError ERR_RUN_FOLDER when the text is no evaluation. */
export function parseEvaluation(text: string, path: string): Evaluation {
  const hint = 'write it again with: peakproof evaluate RUN';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new HarnessError('ERR_RUN_FOLDER', `${path} is not whole JSON`, { hint, cause });
  }
  const parsed = evaluationSchema.safeParse(value);
  if (parsed.success) return value as Evaluation;
  const issue = parsed.error.issues[0];
  throw new HarnessError('ERR_RUN_FOLDER', `${path} is no evaluation: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`, {
    hint,
  });
}

type Writable<T> = T extends readonly (infer Item)[]
  ? Writable<Item>[]
  : T extends object
    ? { -readonly [K in keyof T]: Writable<T[K]> }
    : T;

/** Fails to compile when the schema and the type of an evaluation drift apart. */
type Assignable<A extends B, B> = A;
export type SchemaCoversType = Assignable<Writable<Evaluation>, z.input<typeof evaluationSchema>>;
export type TypeCoversSchema = Assignable<z.input<typeof evaluationSchema>['objectives'], Writable<Evaluation>['objectives']>;
