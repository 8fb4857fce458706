/** What one section of a plan says about another: ids, times, doors. Works on the sections that are right by themselves. */
import type { Plan, PostgresFailoverSpec, PostgresTarget, ScenarioSpec } from '../model/plan.ts';

export interface ReferenceIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

export function checkReferences(plan: Partial<Plan>): ReferenceIssue[] {
  return [
    ...uniqueIds(plan),
    ...objectiveReferences(plan),
    ...faultTimes(plan),
    ...rollbacks(plan),
    ...faultDoors(plan),
    ...failoverModes(plan),
    ...loadTimes(plan),
    ...clientTimeouts(plan),
    ...tills(plan),
    ...workers(plan),
    ...sessionStore(plan),
  ];
}

function uniqueIds(plan: Partial<Plan>): ReferenceIssue[] {
  const lists = [
    ['load.scenarios', ['load', 'scenarios'], plan.load?.scenarios],
    ['faults', ['faults'], plan.faults],
    ['objectives', ['objectives'], plan.objectives],
  ] as const;
  const issues = lists.flatMap(([, path, items]) =>
    (items ?? []).flatMap((item, index) =>
      (items ?? []).findIndex((other) => other.id === item.id) < index
        ? [{ path: [...path, index, 'id'], message: `"${item.id}" is used twice` }]
        : [],
    ),
  );
  const probes = plan.probes ?? [];
  probes.forEach((probe, index) => {
    if (probes.findIndex((other) => other.service === probe.service) < index)
      issues.push({ path: ['probes', index, 'service'], message: `"${probe.service}" is probed twice` });
  });
  return issues;
}

function objectiveReferences(plan: Partial<Plan>): ReferenceIssue[] {
  const scenarios = plan.load?.scenarios;
  return (plan.objectives ?? []).flatMap((objective, index): ReferenceIssue[] => {
    const path = (key: string) => ['objectives', index, key];
    const issues: ReferenceIssue[] = [];
    const scenario = 'scenario' in objective ? objective.scenario : undefined;
    if (scenario !== undefined && scenarios !== undefined && !scenarios.some((s) => s.id === scenario))
      issues.push({ path: path('scenario'), message: `"${scenario}" is no scenario of this plan (${names(scenarios)})` });
    if (objective.kind === 'recovery') {
      if (plan.faults !== undefined && !plan.faults.some((fault) => fault.id === objective.fault))
        issues.push({ path: path('fault'), message: `"${objective.fault}" is no fault of this plan (${names(plan.faults)})` });
      if (plan.probes !== undefined && !plan.probes.some((probe) => probe.service === objective.service))
        issues.push({ path: path('service'), message: `no probe measures "${objective.service}"; add one under probes` });
    }
    if (objective.kind === 'autoscaling' && plan.target?.kind === 'odoo' && plan.kubernetes?.hpa === undefined)
      issues.push({ path: path('kind'), message: 'needs kubernetes.hpa, the name of the HorizontalPodAutoscaler' });
    if (objective.kind === 'autoscaling' && plan.target?.kind === 'lab' && objective.minReplicasReached > plan.target.workers.max)
      issues.push({ path: path('minReplicasReached'), message: `is more than target.workers.max (${plan.target.workers.max})` });
    return issues;
  });
}

function faultTimes(plan: Partial<Plan>): ReferenceIssue[] {
  const { phases } = plan;
  if (phases === undefined) return [];
  return (plan.faults ?? []).flatMap((fault, index) =>
    fault.atMs >= phases.disturbanceMs
      ? [{ path: ['faults', index, 'at'], message: `is after the end of the disturbance (${phases.disturbanceMs / 1_000} s)` }]
      : [],
  );
}

/** `after` names a rolling update of the same Deployment that comes before. */
function rollbacks(plan: Partial<Plan>): ReferenceIssue[] {
  const faults = plan.faults ?? [];
  return faults.flatMap((fault, index): ReferenceIssue[] => {
    if (fault.kind !== 'kubernetes/rollback' || fault.after === undefined) return [];
    const issue = (message: string): ReferenceIssue[] => [{ path: ['faults', index, 'after'], message }];
    const first = faults.find(({ id }) => id === fault.after);
    if (first?.kind !== 'kubernetes/rolling-update' || first.deployment !== fault.deployment)
      return issue(`"${fault.after}" is no rolling update of ${fault.deployment} in this plan`);
    if (first.rollBack === 'always' || (first.change !== 'restart' && first.change !== 'image'))
      return issue(
        `"${fault.after}" leaves no new revision behind: the one before it in the history would be the one it took back`,
      );
    return first.atMs >= fault.atMs ? issue(`"${fault.after}" does not come before it`) : [];
  });
}

function faultDoors(plan: Partial<Plan>): ReferenceIssue[] {
  if (plan.target?.kind !== 'odoo') return [];
  return (plan.faults ?? []).flatMap((fault, index): ReferenceIssue[] => {
    const path = ['faults', index, 'kind'];
    const needs = (section: 'kubernetes' | 'postgres' | 'redis'): ReferenceIssue[] =>
      plan[section] === undefined
        ? [
            {
              path,
              message: `"${fault.kind}" (fault "${fault.id}") needs the section "${section}", which this plan does not have`,
            },
          ]
        : [];
    if (fault.kind.startsWith('kubernetes/') || fault.kind.startsWith('litmus/')) return needs('kubernetes');
    if (fault.kind === 'redis/flood') return needs('redis');
    if (fault.kind === 'redis/sentinel-failover') return sentinelNeeds(plan, path, fault.id) ?? needs('redis');
    return needs('postgres');
  });
}

const FAILOVER_MODES = {
  patroni: ['switchover', 'crash', 'failover', 'kill-patroni', 'frozen-walsender'],
  'cloudnative-pg': ['switchover', 'crash', 'fence'],
  command: ['switchover', 'crash', 'failover'],
} as const satisfies Record<PostgresTarget['driver'], readonly PostgresFailoverSpec['mode'][]>;

/** Which driver knows which mode; the lab's is Patroni. */
function failoverModes({ target, postgres, kubernetes, faults }: Partial<Plan>): ReferenceIssue[] {
  const driver = target?.kind === 'lab' ? 'patroni' : postgres?.driver;
  if (driver === undefined) return [];
  const known: readonly string[] = FAILOVER_MODES[driver];
  const wrong = (faults ?? []).flatMap((fault, index): ReferenceIssue[] =>
    fault.kind !== 'postgres/failover' || known.includes(fault.mode)
      ? []
      : [
          {
            path: ['faults', index, 'mode'],
            message: `"${fault.mode}" is not for driver ${driver}, which knows ${known.join(', ')}`,
          },
        ],
  );
  if (driver !== 'cloudnative-pg' || kubernetes !== undefined) return wrong;
  const message = 'cloudnative-pg needs the section "kubernetes", which this plan does not have';
  return [...wrong, { path: ['postgres', 'driver'], message }];
}

/** From the start of the run. */
export function scenarioEndMs(scenario: ScenarioSpec): number {
  if (scenario.kind === 'flash-sale')
    return scenario.startAtMs + scenario.stages.reduce((sum, stage) => sum + stage.durationMs, 0);
  return scenario.startAtMs + (scenario.kind === 'month-end-close' ? scenario.durationMs : scenario.catchUpMs);
}

function loadTimes(plan: Partial<Plan>): ReferenceIssue[] {
  const { phases } = plan;
  const scenarios = plan.load?.scenarios;
  if (phases === undefined || scenarios === undefined) return [];
  const endMs = phases.warmUpMs + phases.baselineMs + phases.disturbanceMs + phases.recoveryMs;
  const issues = scenarios.flatMap((scenario, index): ReferenceIssue[] =>
    scenarioEndMs(scenario) > endMs
      ? [
          {
            path: ['load', 'scenarios', index],
            message: `ends at ${scenarioEndMs(scenario) / 1_000} s, after the end of the recovery phase at ${endMs / 1_000} s`,
          },
        ]
      : [],
  );
  if (
    (plan.faults ?? []).length > 0 &&
    Math.max(...scenarios.map(scenarioEndMs)) < phases.warmUpMs + phases.baselineMs + phases.disturbanceMs
  )
    issues.push({
      path: ['load', 'scenarios'],
      message: 'ends before the disturbance does, so there would be nobody to feel the faults; let one scenario last longer',
    });
  return issues;
}

function clientTimeouts(plan: Partial<Plan>): ReferenceIssue[] {
  const targets = (plan.objectives ?? []).flatMap((objective) =>
    objective.kind === 'recovery' ? [objective.maxRecoveryMs] : [],
  );
  const longest = Math.max(0, ...targets);
  const late = (timeoutMs: number, path: readonly PropertyKey[]): ReferenceIssue[] =>
    timeoutMs < longest
      ? [
          {
            path,
            message: `is ${timeoutMs / 1_000} s, less than the longest recovery target of ${longest / 1_000} s: a client that gives up earlier cannot see it met`,
          },
        ]
      : [];
  return [
    ...(plan.load?.scenarios ?? []).flatMap((scenario, index) =>
      late(scenario.timeoutMs, ['load', 'scenarios', index, 'timeout']),
    ),
    ...(plan.probes ?? []).flatMap((probe, index) => late(probe.timeoutMs, ['probes', index, 'timeout'])),
  ];
}

function tills(plan: Partial<Plan>): ReferenceIssue[] {
  const { dataset } = plan;
  if (dataset === undefined) return [];
  return (plan.load?.scenarios ?? []).flatMap((scenario, index): ReferenceIssue[] => {
    if (scenario.kind !== 'pos-sync-burst') return [];
    const path = ['load', 'scenarios', index];
    const issues: ReferenceIssue[] = [];
    if (scenario.stores > dataset.stores)
      issues.push({ path: [...path, 'stores'], message: `is more than dataset.stores (${dataset.stores})` });
    if (scenario.tillsPerStore > dataset.tillsPerStore)
      issues.push({ path: [...path, 'tillsPerStore'], message: `is more than dataset.tillsPerStore (${dataset.tillsPerStore})` });
    return issues;
  });
}

function workers(plan: Partial<Plan>): ReferenceIssue[] {
  if (plan.target?.kind !== 'lab' || plan.target.workers.min <= plan.target.workers.max) return [];
  return [{ path: ['target', 'workers', 'max'], message: `is less than target.workers.min (${plan.target.workers.min})` }];
}

/** Undefined: the plan has them, or lacks the whole section. */
function sentinelNeeds(plan: Partial<Plan>, path: readonly PropertyKey[], id: string): ReferenceIssue[] | undefined {
  if (plan.redis === undefined || plan.redis.sentinels !== undefined) return undefined;
  return [{ path, message: `"redis/sentinel-failover" (fault "${id}") needs redis.sentinels, which this plan does not have` }];
}

/** Sessions are written by their probe alone: no load does, and without Redis nobody can. */
function sessionStore(plan: Partial<Plan>): ReferenceIssue[] {
  const { probes, redis, target } = plan;
  const probed = probes?.some(({ service }) => service === 'session-store') ?? true;
  const issues = (plan.objectives ?? []).flatMap((objective, index): ReferenceIssue[] => {
    if (!('service' in objective) || objective.service !== 'session-store') return [];
    const path = ['objectives', index, 'service'];
    if (objective.kind === 'slo') return [{ path, message: 'no load calls "session-store"; its probe is judged by recovery' }];
    return objective.kind === 'data-loss' && !probed
      ? [{ path, message: 'no probe writes to "session-store"; add one under probes' }]
      : [];
  });
  const unreached = (probes ?? []).flatMap(({ service }, index): ReferenceIssue[] =>
    service === 'session-store' && target?.kind === 'odoo' && redis === undefined
      ? [
          {
            path: ['probes', index, 'service'],
            message: '"session-store" needs the section "redis", which this plan does not have',
          },
        ]
      : [],
  );
  return [...issues, ...unreached];
}

const names = (items: readonly { readonly id: string }[]): string => items.map((item) => item.id).join(', ');
