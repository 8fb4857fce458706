import type { Clock, OdooAnswer, OdooPort, SessionAnswer, SessionStorePort } from '../../clients/ports.ts';
import type { TargetCatalogue } from '../../model/catalogue.ts';
import type { BusinessService } from '../../model/plan.ts';
import type { LedgerModel, Outcome, WriteEffect } from '../../model/run-records.ts';

/** What one call of a probe brought about, or may have. */
export interface ProbeWrite {
  readonly model: LedgerModel;
  readonly effect: WriteEffect;
  readonly answer: OdooAnswer | SessionAnswer;
}

export interface ProbeShot {
  readonly outcome: Outcome;
  readonly detail?: string;
  readonly writes: readonly ProbeWrite[];
}

export interface ProbeContext {
  readonly odoo: OdooPort;
  readonly catalogue: TargetCatalogue;
  readonly clock: Clock;
  /** Absent: the plan has no Redis. */
  readonly sessions?: SessionStorePort;
  /** How long a session of the probe lives: until it has been read back for sure. */
  readonly sessionTtlSeconds: number;
  readonly failoverDetector: boolean;
}

/** A small business transaction that is sent over and over, each time under a key of its own. */
export interface Probe {
  readonly service: BusinessService;
  /** Called once before the first shot. Throws when the probe cannot work. */
  start(): Promise<void>;
  /** Never throws: whatever happens is an outcome. */
  shoot(key: string, number: number, timeoutMs: number): Promise<ProbeShot>;
  /** Puts away what `start` opened. Gives what could not be put away, in words. */
  stop(): Promise<readonly string[]>;
}

/** The shot of a probe that is one call. */
export function shotOf(model: LedgerModel, effect: WriteEffect, answer: OdooAnswer): ProbeShot {
  return {
    outcome: answer.outcome,
    ...(answer.outcome === 'ok' ? {} : { detail: answer.message ?? 'no message' }),
    writes: [{ model, effect, answer }],
  };
}

/** Which product the n-th probe takes: those outside the promotion, so that a hot row's queue is not what is measured. */
export function productFor(catalogue: TargetCatalogue, number: number): { readonly id: number; readonly listPrice: number } {
  const { products, hotProducts } = catalogue;
  const cold = products.length > hotProducts ? products.slice(hotProducts) : products;
  return cold[number % Math.max(1, cold.length)] ?? { id: 0, listPrice: 0 };
}
