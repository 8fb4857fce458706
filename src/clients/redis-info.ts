/** Reading `INFO`. Pure. */
export type RedisInfo = Readonly<Record<string, string>>;

export function parseInfo(text: string): RedisInfo {
  const fields: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon > 0 && !line.startsWith('#')) fields[line.slice(0, colon)] = line.slice(colon + 1);
  }
  return fields;
}

/** A numeric field; 0 when the server does not have it. */
export function infoNumber(info: RedisInfo, name: string): number {
  const value = Number(info[name] ?? '0');
  return Number.isFinite(value) ? value : 0;
}

/** Count of one error class (`OOM`), from `errorstat_OOM:count=5`; 0 before the first (Redis 6.2 and later have it). */
export function errorCount(info: RedisInfo, name: string): number {
  return Number(/count=(\d+)/.exec(info[`errorstat_${name}`] ?? '')?.[1] ?? '0');
}

/** Keys of all databases. */
export function keyCount(info: RedisInfo): number {
  return Object.entries(info)
    .filter(([name]) => /^db\d+$/.test(name))
    .reduce((sum, [, value]) => sum + Number(/keys=(\d+)/.exec(value)?.[1] ?? '0'), 0);
}
