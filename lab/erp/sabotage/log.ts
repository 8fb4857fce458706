/** What the lab broke on purpose: one JSON line each, written before the deed, so that tests know the truth. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

export type Deed = 'lose-acknowledged-writes' | 'duplicate-orders' | 'duplicate-invoices' | 'unbalanced-entries';

export interface SabotageLog {
  append(deed: Deed, keys: readonly string[]): void;
  /** Keys of one kind written so far, also by a process before this one. */
  count(deed: Deed): number;
}

/** Null as path: kept in memory only. */
export function openSabotageLog(path: string | null, now: () => number): SabotageLog {
  const counts = new Map<string, number>();
  if (path !== null && existsSync(path))
    for (const line of readFileSync(path, 'utf8').split('\n').filter(Boolean)) {
      const { sabotage } = JSON.parse(line) as { readonly sabotage?: string };
      if (sabotage !== undefined) counts.set(sabotage, (counts.get(sabotage) ?? 0) + 1);
    }
  return {
    append(deed, keys) {
      counts.set(deed, (counts.get(deed) ?? 0) + keys.length);
      if (path === null) return;
      const at = now();
      appendFileSync(path, keys.map((key) => `${JSON.stringify({ sabotage: deed, key, at })}\n`).join(''));
    },
    count: (deed) => counts.get(deed) ?? 0,
  };
}
