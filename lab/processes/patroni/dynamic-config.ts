/** Patroni's dynamic configuration, as `GET` and `PATCH /config` show it. Times in seconds, as Patroni writes them. */
export interface DynamicConfig {
  readonly ttl: number;
  readonly loop_wait: number;
  readonly retry_timeout: number;
  readonly maximum_lag_on_failover: number;
  readonly primary_start_timeout: number;
  readonly synchronous_mode: boolean;
  readonly pause?: boolean;
  readonly [name: string]: unknown;
}

/**
 * Lab-only timing: Patroni's own floor is ttl 20, loop_wait 1, retry_timeout 3. A practice target that takes half a minute
 * to fail over teaches nothing that one of six seconds does not.
 */
export function labConfig(options: { readonly synchronous: boolean }): DynamicConfig {
  return {
    ttl: 5,
    loop_wait: 1,
    retry_timeout: 2,
    maximum_lag_on_failover: 33_554_432,
    primary_start_timeout: 0,
    synchronous_mode: options.synchronous,
    postgresql: { use_pg_rewind: false, use_slots: false },
  };
}

type Tree = Readonly<Record<string, unknown>>;

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Merges a patch into a configuration; null removes a key, as in Patroni. */
export function mergeConfig(config: Tree, patch: Tree): Tree {
  const merged: Record<string, unknown> = { ...config };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = isTree(value) && isTree(merged[name]) ? mergeConfig(merged[name], value) : value;
  }
  return merged;
}

const SECONDS = ['ttl', 'loop_wait', 'retry_timeout', 'primary_start_timeout', 'maximum_lag_on_failover'] as const;

/** Applies a patch; answers with what is wrong with it instead when it is no configuration. */
export function patchConfig(config: DynamicConfig, patch: unknown): DynamicConfig | { readonly problem: string } {
  if (!isTree(patch)) return { problem: 'the body must be a JSON object' };
  const merged = { ...labConfig({ synchronous: false }), ...mergeConfig(config, patch) };
  for (const name of SECONDS) {
    const value = merged[name];
    if (typeof value !== 'number' || !(value >= 0)) return { problem: `${name} must be a number >= 0` };
  }
  if (!(merged.ttl >= 1) || !(merged.loop_wait >= 0.1)) return { problem: 'ttl must be >= 1 and loop_wait >= 0.1' };
  if (typeof merged.synchronous_mode !== 'boolean') return { problem: 'synchronous_mode must be true or false' };
  return merged;
}
