import { HarnessError } from '../errors.ts';

/** Every wait that a plan does not set itself, named by the event waited for. Milliseconds. */
const DEFAULTS = {
  /** One call to the Kubernetes API. */
  kubernetesCall: 10_000,
  /** One read from a Patroni REST API; a dead member costs this before the next URL is tried. */
  patroniCall: 3_000,
  /** `POST /switchover` and `/failover` answer when the move is done (2-5 s; more under load). */
  patroniMove: 60_000,
  postgresConnect: 3_000,
  postgresQuery: 5_000,
  /** One row of ours written to a member; a commit that waits for a standby that is gone never answers. */
  markWrite: 1_500,
  /** One program in a pod: looking at its processes, signalling some. */
  podExec: 15_000,
  redisConnect: 3_000,
  redisCommand: 5_000,
  /** What one Redis server says about itself, when several are looked at. */
  redisLook: 1_000,
  /** After the first Sentinel has answered, how long the others are waited for. */
  sentinelOthers: 500,
  /** Closing a connection politely before it is cut. */
  connectionClose: 1_000,
  /** SIGTERM to SIGKILL of a program of the plan. */
  commandKillGrace: 5_000,
  /** A program that switches a database over, crashes it or lets it rejoin. */
  databaseCommand: 120_000,
  /** CLIENT PAUSE of a safe planned failover, renewed while Sentinel moves: writes wait at most this long when the harness dies meanwhile. */
  redisPause: 10_000,
  /** Pause between two looks at the pods, the ChaosEngine and its result: the error of a fault's window. */
  litmusLook: 250,
  /** From a ChaosEngine that is completed to the result that carries this run's key. */
  litmusResult: 15_000,
  /** From `engineState: stop` to `stopped`; 6-9 s were seen. */
  litmusStop: 30_000,
  /** From the deletion of a ChaosEngine to its end; its finalizer took 11 s. */
  litmusRemove: 30_000,
  /** Reading the state of the target just before a fault. */
  faultPlan: 30_000,
  /** What injecting may take beyond the duration that the plan gives the fault. */
  faultInject: 90_000,
  /** How long a change of a fault is asked for again while the Kubernetes API does not answer it. */
  kubernetesPatience: 60_000,
  /** What a proof or a revert may take beyond its own deadline before it is given up from outside. */
  deadlineSlack: 5_000,
  /** Until an HPA that has just been made shows its first metric. */
  hpaMetrics: 20_000,
  /** Until an HPA that seeding has scaled up is back at rest, so that a load step can be seen. */
  hpaRest: 90_000,
  /** One undo of `peakproof rollback`. */
  rollbackRevert: 180_000,
  /** One look of an observer. */
  observerLook: 5_000,
  observerStop: 6_000,
} as const;

export type TimeoutName = keyof typeof DEFAULTS;
export type Timeouts = Readonly<Record<TimeoutName, number>>;

/** Environment variable with one JSON object, `{"patroniMove": 90000}`, that overrides defaults by name. */
export const TIMEOUTS_VARIABLE = 'PEAKPROOF_TIMEOUTS';

/** Defaults overridden by {@link TIMEOUTS_VARIABLE}. Throws ERR_USAGE on anything that is not a known name with milliseconds. */
export function readTimeouts(env: Readonly<Record<string, string | undefined>>): Timeouts {
  const text = env[TIMEOUTS_VARIABLE];
  if (text === undefined || text === '') return DEFAULTS;
  const given = parseObject(text);
  for (const [name, value] of Object.entries(given)) {
    if (!(name in DEFAULTS)) {
      throw new HarnessError('ERR_USAGE', `${TIMEOUTS_VARIABLE} has the unknown name "${name}"`, {
        hint: `known names: ${Object.keys(DEFAULTS).join(', ')}`,
      });
    }
    if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
      throw new HarnessError(
        'ERR_USAGE',
        `${TIMEOUTS_VARIABLE}: "${name}" is ${JSON.stringify(value)}, not a number of milliseconds`,
      );
    }
  }
  return { ...DEFAULTS, ...(given as Partial<Record<TimeoutName, number>>) };
}

let current: Timeouts | null = null;

/** The deadline of a named wait, ms. */
export function timeoutMs(name: TimeoutName): number {
  current ??= readTimeouts(process.env);
  return current[name];
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (cause) {
    throw new HarnessError('ERR_USAGE', `${TIMEOUTS_VARIABLE} is not JSON`, {
      cause,
      hint: 'for example {"patroniMove": 90000}',
    });
  }
  throw new HarnessError('ERR_USAGE', `${TIMEOUTS_VARIABLE} is not a JSON object`, {
    hint: 'for example {"patroniMove": 90000}',
  });
}
