/** What a person sees while a run lasts. */
import type { PhaseName } from '../model/plan.ts';

export interface RunProgress {
  readonly phase: PhaseName | 'preparing' | 'starting' | 'reading back';
  /** Until the end of the recovery phase, ms; null when not known. */
  readonly remainingMs: number | null;
  /** Journeys finished well / iterations scheduled so far, 0-1; null before the first. */
  readonly attainedRatio: number | null;
  readonly errors: number;
  readonly replicas: { readonly current: number; readonly desired: number } | null;
  readonly faultsInForce: readonly string[];
  readonly detail?: string;
}

export type ProgressListener = (progress: RunProgress) => void;

export function formatProgress(progress: RunProgress): string {
  const parts: string[] = [progress.phase];
  if (progress.remainingMs !== null) parts.push(`${Math.max(0, Math.ceil(progress.remainingMs / 1_000))} s left`);
  if (progress.attainedRatio !== null) parts.push(`attained ${(progress.attainedRatio * 100).toFixed(1)} %`);
  if (progress.errors > 0) parts.push(`${progress.errors} errors`);
  if (progress.replicas !== null) parts.push(`replicas ${progress.replicas.current}/${progress.replicas.desired}`);
  if (progress.faultsInForce.length > 0) parts.push(`faults in force: ${progress.faultsInForce.join(', ')}`);
  if (progress.detail !== undefined) parts.push(progress.detail);
  return parts.join(' · ');
}
