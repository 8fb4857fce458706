/** One schema for each part of a plan: what users may write, its defaults, and what it becomes ({@link Plan}). */
import { z } from 'zod';
import { duration, ratio } from './duration.ts';

const id = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, { error: 'must be lower-case letters, digits and dashes, such as "kill-pods-1"' });
const service = z.enum(['order-capture', 'pos', 'financial-posting', 'session-store']);
const loadClass = z.enum(['user', 'background', 'integration', 'reporting']);
const phase = z.enum(['warm-up', 'baseline', 'disturbance', 'recovery', 'settle']);
const positive = z.number().positive();
const count = z.int().positive();
const countOrZero = z.int().nonnegative();
const argv = z.array(z.string()).min(1);

/** Where a secret is read from; the secret itself never stands in a plan. */
export const secretRef = z.union(
  [z.strictObject({ env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/) }), z.strictObject({ file: z.string().min(1) })],
  { error: 'must name where the secret is: {env: NAME} or {file: PATH}' },
);

/** A URL without user name or password in it. */
const bareUrl = (...protocols: readonly string[]) =>
  z.string().superRefine((text, context) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined || !protocols.includes(url.protocol))
      context.addIssue({ code: 'custom', message: `is not a URL of the form ${protocols[0]}//host:port` });
    else if (url.password !== '' || url.username !== '')
      context.addIssue({ code: 'custom', message: 'carries a user name or password; name the secret with {env: NAME} instead' });
  });

const odooTarget = z.strictObject({
  kind: z.literal('odoo'),
  url: bareUrl('http:', 'https:'),
  database: z.string().min(1),
  login: z.string().min(1),
  password: secretRef,
});

/** `kubernetes` for a node of this host's own, or the context of a cluster that is there. */
const labPlace = z.union([
  z.literal('kubernetes').transform(() => ({ kind: 'kubernetes' as const })),
  z
    .strictObject({ kubernetes: z.strictObject({ context: z.string().min(1), registry: z.string().min(1).optional() }) })
    .transform(({ kubernetes: { context, registry } }) => ({
      kind: 'kubernetes' as const,
      context,
      ...(registry !== undefined && { registry }),
    })),
]);

const labTarget = z.strictObject({
  kind: z.literal('lab'),
  on: z
    .union([z.literal('processes').transform(() => undefined), labPlace], {
      error: 'must be "processes", "kubernetes" or {kubernetes: {context: NAME}}',
    })
    .optional(),
  workers: z.strictObject({ min: count.max(8), max: count.max(8) }).default({ min: 2, max: 5 }),
  nodes: count.max(10).optional(),
  synchronousReplication: z.boolean().default(false),
  redisMaxMemoryMiB: count.default(48),
  redisPolicy: z.enum(['noeviction', 'allkeys-lru', 'volatile-lru']).default('allkeys-lru'),
  sabotage: z.record(z.string(), z.union([count, z.literal(true)])).default({}),
});

export const target = z.discriminatedUnion('kind', [odooTarget, labTarget]);

export const kubernetes = z
  .strictObject({
    kubeconfig: z.string().optional(),
    context: z.string().optional(),
    namespace: z.string().min(1),
    deployment: z.string().min(1),
    hpa: z.string().optional(),
    hpaSync: duration().optional(),
    namespaceOnly: z.boolean().optional(),
  })
  .transform(({ hpaSync, ...rest }) => ({ ...rest, ...(hpaSync !== undefined && { hpaSyncMs: hpaSync }) }));

const commands = z.strictObject({
  switchover: argv.optional(),
  crash: argv.optional(),
  failover: argv.optional(),
  rejoin: argv.optional(),
  killPatroni: argv.optional(),
  restartPatroni: argv.optional(),
  freezeWalsenders: argv.optional(),
  thawWalsenders: argv.optional(),
});

const connection = z.strictObject({
  url: z.string().refine((text) => /^postgres(ql)?:\/\//.test(text) && URL.canParse(text) && new URL(text).password === '', {
    error: 'must be postgresql://user@host:port/database, without a password',
  }),
  standbyUrls: z.array(z.string()).default([]),
  password: secretRef.optional(),
});

export const postgres = z.discriminatedUnion('driver', [
  z.strictObject({
    driver: z.literal('patroni'),
    patroniUrls: z.array(bareUrl('http:', 'https:')).min(1),
    connection: connection.optional(),
    commands: commands.optional(),
    container: z.string().min(1).optional(),
  }),
  z.strictObject({ driver: z.literal('cloudnative-pg'), cluster: z.string().min(1), connection: connection.optional() }),
  z.strictObject({ driver: z.literal('command'), connection, commands }),
]);

const hostAndPort = z.string().regex(/^(\[[0-9a-fA-F:]+\]|[^\s:/]+):\d{1,5}$/, { error: 'must be host:port' });

export const redis = z.strictObject({
  url: bareUrl('redis:', 'rediss:'),
  username: z.string().optional(),
  password: secretRef.optional(),
  sentinels: z
    .strictObject({
      urls: z.array(bareUrl('redis:', 'rediss:')).min(1),
      master: z.string().min(1),
      username: z.string().optional(),
      password: secretRef.optional(),
      addressMap: z.record(hostAndPort, hostAndPort).optional(),
    })
    .optional(),
  commands: z.strictObject({ crash: argv.optional(), rejoin: argv.optional() }).optional(),
});

export const guard = z.strictObject({
  contexts: z.array(z.string()).default([]),
  namespaces: z.array(z.string()).default([]),
  hosts: z.array(z.string()).default([]),
  databases: z.array(z.string()).default([]),
});

export const dataset = z.strictObject({
  products: count.default(200),
  categories: count.default(8),
  customers: count.default(100),
  stores: count.default(4),
  tillsPerStore: count.default(2),
  openingStock: count.default(10_000),
  hotProducts: count.default(10),
});

export const phases = z
  .strictObject({ warmUp: duration(), baseline: duration(), disturbance: duration(), recovery: duration(), settle: duration() })
  .transform((p) => ({
    warmUpMs: p.warmUp,
    baselineMs: p.baseline,
    disturbanceMs: p.disturbance,
    recoveryMs: p.recovery,
    settleMs: p.settle,
  }));

const scenarioBase = {
  id,
  startAt: duration().prefault('0s'),
  timeout: duration().prefault('40s'),
  maxVus: count.max(5_000).default(200),
};

const rateStep = z
  .strictObject({ ratePerSecond: z.number().nonnegative(), for: duration() })
  .transform((step) => ({ ratePerSecond: step.ratePerSecond, durationMs: step.for }));

const flashSale = z
  .strictObject({
    kind: z.literal('flash-sale'),
    ...scenarioBase,
    loadClass: loadClass.default('user'),
    stages: z.array(rateStep).min(1),
    zipfExponent: positive.default(1.1),
    maxLines: count.max(50).default(4),
    cancelRatio: ratio().prefault(0.05),
    retryRatio: ratio().prefault(0.3),
    patience: duration().prefault('8s'),
  })
  .transform(({ startAt, timeout, patience, ...rest }) => ({
    ...rest,
    startAtMs: startAt,
    timeoutMs: timeout,
    patienceMs: patience,
  }));

const posSyncBurst = z
  .strictObject({
    kind: z.literal('pos-sync-burst'),
    ...scenarioBase,
    loadClass: loadClass.default('integration'),
    stores: count,
    tillsPerStore: count,
    ticketsPerTill: count,
    batchSize: count.max(200).default(5),
    catchUp: duration(),
  })
  .transform(({ startAt, timeout, catchUp, ...rest }) => ({
    ...rest,
    startAtMs: startAt,
    timeoutMs: timeout,
    catchUpMs: catchUp,
  }));

const monthEndClose = z
  .strictObject({
    kind: z.literal('month-end-close'),
    ...scenarioBase,
    loadClass: loadClass.default('background'),
    duration: duration(),
    batchesPerMinute: positive,
    entriesPerBatch: count.max(500).default(10),
    reportsPerMinute: z.number().nonnegative().default(6),
    reversalRatio: ratio().prefault(0.05),
    lockDate: z.boolean().default(true),
    invoiceRunsPerMinute: z.number().nonnegative().default(4),
    ordersPerInvoiceRun: count.max(100).default(5),
    shopRatePerSecond: z.number().nonnegative().default(0),
  })
  .transform(({ startAt, timeout, duration: lasts, ...rest }) => ({
    ...rest,
    startAtMs: startAt,
    timeoutMs: timeout,
    durationMs: lasts,
  }));

export const scenario = z.discriminatedUnion('kind', [flashSale, posSyncBurst, monthEndClose]);

export const probe = z
  .strictObject({
    service,
    interval: duration().prefault('500ms'),
    timeout: duration().prefault('30s'),
    slow: duration().prefault('2s'),
    failoverDetector: z.boolean().optional(),
  })
  .refine((p) => p.failoverDetector === undefined || p.service === 'session-store', {
    error: 'is only for the probe of "session-store"',
    path: ['failoverDetector'],
  })
  .transform(({ service, interval, timeout, slow, failoverDetector }) => ({
    service,
    intervalMs: interval,
    timeoutMs: timeout,
    slowMs: slow,
    ...(failoverDetector !== undefined && { failoverDetector }),
  }));

const faultBase = { id, at: duration(), proveWithin: duration().prefault('60s'), revertWithin: duration().prefault('60s') };
interface FaultTimes {
  at: number;
  proveWithin: number;
  revertWithin: number;
}
const faultTimes = <T extends FaultTimes>({ at, proveWithin, revertWithin, ...rest }: T) => ({
  ...rest,
  atMs: at,
  proveWithinMs: proveWithin,
  revertWithinMs: revertWithin,
});

const killPods = z
  .strictObject({
    kind: z.literal('kubernetes/kill-pods'),
    ...faultBase,
    selector: z.string().min(1, { error: 'is empty; an empty selector would match every pod' }),
    count: count.optional(),
    share: ratio().optional(),
    force: z.boolean().default(false),
    graceSeconds: countOrZero.default(30),
    repeat: z
      .strictObject({ every: duration(), for: duration() })
      .transform((r) => ({ everyMs: r.every, durationMs: r.for }))
      .optional(),
    maxAffected: ratio().prefault(0.5),
  })
  .refine((f) => (f.count === undefined) !== (f.share === undefined), {
    error: 'give either "count" or "share"',
    path: ['count'],
  })
  .transform(({ count: pods, share, maxAffected, ...rest }) => ({
    ...faultTimes(rest),
    amount: pods === undefined ? { shareRatio: share ?? 0 } : { count: pods },
    maxAffectedRatio: maxAffected,
  }));

const drainNode = z
  .strictObject({
    kind: z.literal('kubernetes/drain-node'),
    ...faultBase,
    node: z.string().min(1).optional(),
    selector: z.string().min(1, { error: 'is empty; leave it out to drain every pod of the namespace' }).optional(),
    otherPods: z.enum(['refuse', 'leave', 'evict']).default('refuse'),
    deleteEmptyDirData: z.boolean().default(false),
    graceSeconds: countOrZero.optional(),
    evictWithin: duration().prefault('60s'),
    hold: duration().prefault('20s'),
    maxAffected: ratio().prefault(0.5),
  })
  .transform(({ evictWithin, hold, maxAffected, ...rest }) => ({
    ...faultTimes(rest),
    evictWithinMs: evictWithin,
    holdMs: hold,
    maxAffectedRatio: maxAffected,
  }));

const rolloutBase = {
  ...faultBase,
  proveWithin: duration().optional(),
  deployment: z.string().min(1),
  within: duration().prefault('3m'),
  readyWithin: duration().prefault('60s'),
  hold: duration().prefault('0s'),
  maxAffected: ratio().prefault(0.5),
};
interface RolloutTimes extends Omit<FaultTimes, 'proveWithin'> {
  /** Absent: as long as the rollout itself may take. */
  proveWithin?: number | undefined;
  within: number;
  readyWithin: number;
  hold: number;
  maxAffected: number;
}
const rolloutTimes = <T extends RolloutTimes>({ within, readyWithin, hold, maxAffected, proveWithin, ...rest }: T) => ({
  ...faultTimes({ ...rest, proveWithin: proveWithin ?? within }),
  withinMs: within,
  readyWithinMs: readyWithin,
  holdMs: hold,
  maxAffectedRatio: maxAffected,
});

const rollingUpdate = z
  .strictObject({
    kind: z.literal('kubernetes/rolling-update'),
    ...rolloutBase,
    change: z.enum(['restart', 'image', 'bad-image', 'failing-readiness']),
    image: z.string().min(1).optional(),
    container: z.string().min(1).optional(),
    readinessPath: z.string().startsWith('/').default('/peakproof/fails-on-purpose'),
    rollBack: z.enum(['on-failure', 'always', 'never']).default('on-failure'),
  })
  .refine((f) => (f.change === 'image') === (f.image !== undefined), {
    error: 'is needed for "change: image", and only there',
    path: ['image'],
  })
  .transform((f) => rolloutTimes(f));

const rollback = z
  .strictObject({
    kind: z.literal('kubernetes/rollback'),
    ...rolloutBase,
    toRevision: count.optional(),
    after: z.string().optional(),
  })
  .transform((f) => rolloutTimes(f));

/** What `for` is when it is left out, ms. */
const FAILOVER_LASTS_MS: Readonly<Record<string, number>> = { 'kill-patroni': 5_000, 'frozen-walsender': 2_000, fence: 10_000 };
/** Well below `wal_receiver_timeout` (60 s), after which a receiver gives a silent sender up and asks for a new one. */
const MAX_FREEZE_MS = 30_000;

const postgresFailover = z
  .strictObject({
    kind: z.literal('postgres/failover'),
    ...faultBase,
    mode: z.enum(['switchover', 'crash', 'failover', 'kill-patroni', 'frozen-walsender', 'fence']),
    for: duration().optional(),
  })
  .refine(({ mode, for: lasts }) => lasts === undefined || mode in FAILOVER_LASTS_MS, {
    error: `is for the modes ${Object.keys(FAILOVER_LASTS_MS).join(', ')} only`,
    path: ['for'],
  })
  .refine(({ mode, for: lasts }) => mode !== 'frozen-walsender' || lasts === undefined || lasts <= MAX_FREEZE_MS, {
    error: 'is more than 30 s: standbys would ask for new WAL senders, which are not frozen',
    path: ['for'],
  })
  .transform(({ for: lasts, ...rest }) => {
    const durationMs = lasts ?? FAILOVER_LASTS_MS[rest.mode];
    return { ...faultTimes(rest), ...(durationMs !== undefined && { durationMs }) };
  });

const redisFlood = z
  .strictObject({
    kind: z.literal('redis/flood'),
    ...faultBase,
    mode: z.enum(['memory', 'connections', 'commands', 'blocking', 'flush-sessions']),
    for: duration().prefault('10s'),
    maxMemoryMiB: count.max(4_096).default(128),
    maxConnections: count.max(20_000).default(500),
    commandsPerSecond: count.max(200_000).default(5_000),
    block: duration().prefault('1s'),
    sessionPattern: z.string().default('session:*'),
  })
  .transform(({ for: lasts, block, ...rest }) => ({ ...faultTimes(rest), durationMs: lasts, blockMs: block }));

const sentinelFailover = z
  .strictObject({
    kind: z.literal('redis/sentinel-failover'),
    ...faultBase,
    mode: z.enum(['planned', 'safe-planned', 'crash']),
  })
  .transform((f) => faultTimes(f));

const LITMUS_OWN_ENV: readonly string[] = ['TOTAL_CHAOS_DURATION', 'CHAOS_INTERVAL'];
/** Litmus counts in whole seconds. */
const wholeSeconds = () =>
  duration().refine((ms) => ms >= 1_000 && ms % 1_000 === 0, {
    error: 'must be whole seconds, at least 1s: Litmus counts in them',
  });

const litmusEngine = z
  .strictObject({
    kind: z.literal('litmus/engine'),
    ...faultBase,
    experiment: z.string().min(1),
    serviceAccount: z.string().min(1),
    app: z.strictObject({
      label: z.string().min(1, { error: 'is empty; an empty selector would match every pod' }),
      kind: z.enum(['deployment', 'statefulset', 'daemonset', 'deploymentconfig', 'rollout']).default('deployment'),
    }),
    for: wholeSeconds().prefault('20s'),
    interval: wholeSeconds().prefault('10s'),
    env: z
      .record(z.string(), z.string())
      .default({})
      .refine((env) => !LITMUS_OWN_ENV.some((name) => name in env), {
        error: 'names TOTAL_CHAOS_DURATION or CHAOS_INTERVAL; give them as "for" and "interval"',
      }),
    components: z.record(z.string(), z.unknown()).optional(),
    probes: z.array(z.looseObject({ name: z.string().min(1), type: z.string().min(1), mode: z.string().min(1) })).default([]),
    healthCheck: z.boolean().default(true),
    proof: z.enum(['pods-gone', 'containers-restarted', 'result']).default('pods-gone'),
    maxAffected: ratio().prefault(0.5),
    startWithin: duration().prefault('120s'),
    endWithin: duration().prefault('120s'),
    keepResult: z.boolean().default(false),
  })
  .transform(({ for: lasts, interval, maxAffected, startWithin, endWithin, ...rest }) => ({
    ...faultTimes(rest),
    durationMs: lasts,
    intervalMs: interval,
    maxAffectedRatio: maxAffected,
    startWithinMs: startWithin,
    endWithinMs: endWithin,
  }));

const litmusExternal = z
  .strictObject({
    kind: z.literal('litmus/external'),
    ...faultBase,
    experiment: z.string().min(1),
    selector: z.string().min(1, { error: 'is empty; an empty selector would match every pod' }),
    proof: z.enum(['pods-gone', 'result']).default('pods-gone'),
  })
  .transform((f) => faultTimes(f));

export const fault = z.discriminatedUnion('kind', [
  litmusEngine,
  litmusExternal,
  killPods,
  drainNode,
  rollingUpdate,
  rollback,
  postgresFailover,
  redisFlood,
  sentinelFailover,
]);

export const abort = z
  .strictObject({ service, badRatio: ratio(), window: duration() })
  .transform((a) => ({ service: a.service, badRatio: a.badRatio, windowMs: a.window }));

export const guards = z.strictObject({
  maxDroppedBaselineRatio: ratio().prefault(0.02),
  minDeliveredRatio: ratio().prefault(0.95),
  maxBadBaselineRatio: ratio().prefault(0.05),
  minBaselineProbes: count.default(10),
});

const objectiveBase = { id, source: z.string().optional() };

const sloObjective = z
  .strictObject({
    kind: z.literal('slo'),
    ...objectiveBase,
    scenario: z.string().optional(),
    service: service.optional(),
    loadClass: loadClass.optional(),
    journey: z.string().optional(),
    step: z.string().optional(),
    phases: z.array(phase).min(1).prefault(['baseline']),
    latency: z.strictObject({ percentile: z.number().min(1).max(100), max: duration() }).optional(),
    errors: z.strictObject({ maxRatio: ratio() }).optional(),
    minSamples: count.default(30),
  })
  .refine((o) => (o.latency === undefined) !== (o.errors === undefined), {
    error: 'give either "latency" or "errors"',
    path: ['latency'],
  })
  .transform(({ latency, errors, ...rest }) => ({
    ...rest,
    indicator:
      latency === undefined
        ? { metric: 'error-ratio' as const, maxRatio: errors?.maxRatio ?? 0 }
        : { metric: 'latency' as const, percentile: latency.percentile, maxMs: latency.max },
  }));

const attainmentObjective = z
  .strictObject({
    kind: z.literal('attainment'),
    ...objectiveBase,
    scenario: z.string(),
    phases: z.array(phase).min(1),
    within: duration(),
    minRatio: ratio(),
    minSamples: count.default(30),
  })
  .transform(({ within, ...rest }) => ({ ...rest, withinMs: within }));

const recoveryObjective = z
  .strictObject({
    kind: z.literal('recovery'),
    ...objectiveBase,
    service,
    fault: z.string(),
    max: duration(),
    consecutive: count.default(5),
    hold: duration().prefault('5s'),
    throughputRatio: ratio().prefault(0.8),
    p95Factor: positive.default(3),
  })
  .transform(({ max, hold, ...rest }) => ({ ...rest, maxRecoveryMs: max, holdMs: hold }));

const dataLossObjective = z
  .strictObject({
    kind: z.literal('data-loss'),
    ...objectiveBase,
    service,
    maxLostWrites: countOrZero.default(0),
    maxDuplicates: countOrZero.default(0),
    maxLossWindow: duration().prefault('0s'),
    maxSplitBrain: duration().optional(),
    minWrites: count.default(20),
  })
  .transform(({ maxLossWindow, maxSplitBrain, ...rest }) => ({
    ...rest,
    maxLossWindowMs: maxLossWindow,
    ...(maxSplitBrain !== undefined && { maxSplitBrainMs: maxSplitBrain }),
  }));

const invariantObjective = z.strictObject({
  kind: z.literal('invariant'),
  ...objectiveBase,
  invariant: z.enum(['stock-moves-match-quants', 'debit-equals-credit', 'one-invoice-per-order', 'pos-sessions-match-payments']),
  maxViolations: countOrZero.default(0),
});

const autoscalingObjective = z
  .strictObject({
    kind: z.literal('autoscaling'),
    ...objectiveBase,
    scenario: z.string(),
    maxDesired: duration(),
    maxReady: duration(),
    maxServiceLevelBack: duration(),
    minReplicasReached: count,
    maxFlaps: countOrZero.default(1),
    maxScaleIn: duration().optional(),
  })
  .transform(({ maxDesired, maxReady, maxServiceLevelBack, maxScaleIn, ...rest }) => ({
    ...rest,
    maxDesiredMs: maxDesired,
    maxReadyMs: maxReady,
    maxServiceLevelBackMs: maxServiceLevelBack,
    ...(maxScaleIn !== undefined && { maxScaleInMs: maxScaleIn }),
  }));

export const objective = z.discriminatedUnion('kind', [
  sloObjective,
  attainmentObjective,
  recoveryObjective,
  dataLossObjective,
  invariantObjective,
  autoscalingObjective,
]);

export const observeInterval = duration().prefault('1s');
