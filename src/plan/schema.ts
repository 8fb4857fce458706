/** The whole plan as users write it, and the JSON Schema that editors complete it with. */
import { z } from 'zod';
import type { Plan } from '../model/plan.ts';
import * as section from './sections.ts';

export const planSections = {
  schemaVersion: z.literal(1, { error: 'must be 1; this version of Peakproof reads plans of schemaVersion 1' }),
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, { error: 'must be lower-case letters, digits and dashes' }),
  description: z.string().default(''),
  seed: z.int().nonnegative().default(1),
  target: section.target,
  kubernetes: section.kubernetes.optional(),
  postgres: section.postgres.optional(),
  redis: section.redis.optional(),
  ingressHealthUrl: z.url().optional(),
  guard: section.guard.prefault({}),
  dataset: section.dataset.prefault({}),
  phases: section.phases,
  load: z.strictObject({ scenarios: z.array(section.scenario).min(1) }),
  probes: z.array(section.probe).default([]),
  observeInterval: section.observeInterval,
  faults: z.array(section.fault).default([]),
  abort: z.array(section.abort).default([]),
  guards: section.guards.prefault({}),
  objectives: z.array(section.objective).min(1, { error: 'is empty; a run without objectives can only be inconclusive' }),
} as const;

export const planSchema = z
  .strictObject(planSections)
  .transform(({ observeInterval, ...rest }) => ({ ...rest, observeIntervalMs: observeInterval }) satisfies Plan);

/** JSON Schema (draft 2020-12) of a plan file. */
export function planJsonSchema(): Readonly<Record<string, unknown>> {
  return {
    title: 'Peakproof plan',
    ...z.toJSONSchema(planSchema, { io: 'input', unrepresentable: 'any', target: 'draft-2020-12' }),
  };
}
