/** The writes of a load, for the ledger: from the samples of one runner, one row a key and effect. */
import { join } from 'node:path';
import type { BusinessService } from '../model/plan.ts';
import { K6_METRICS, type LedgerModel, type LedgerWrite, type WriteEffect } from '../model/run-records.ts';
import { readSamples } from './samples-csv.ts';

const MODELS: readonly string[] = ['sale.order', 'pos.order', 'account.move'] satisfies LedgerModel[];
/** The wizards that reverse entries and invoice orders are called on their own models; what they write are entries. */
const LEDGER_MODEL: Readonly<Record<string, LedgerModel>> = {
  'account.move.reversal': 'account.move',
  'sale.advance.payment.inv': 'account.move',
};
const EFFECTS: readonly string[] = ['create', 'confirm', 'cancel', 'post', 'reverse'] satisfies WriteEffect[];

/**
 * Acknowledged and unknown writes; what certainly failed is left out. A write that was tried again is one row with its best outcome:
 * acknowledged beats unknown, and the first of equals stays.
 */
export async function* readLoadWrites(runnerDir: string): AsyncGenerator<LedgerWrite> {
  const writes = new Map<string, LedgerWrite>();
  for await (const { tags, keys, value, endedAt } of readSamples(join(runnerDir, 'samples.csv'), K6_METRICS.call)) {
    const { outcome, effect = '', service } = tags;
    const model = LEDGER_MODEL[tags.model ?? ''] ?? tags.model ?? '';
    if (keys === '' || (outcome !== 'ok' && outcome !== 'unknown') || !EFFECTS.includes(effect) || !MODELS.includes(model))
      continue;
    for (const key of keys.split(' ')) {
      // An order and its invoice have the same key.
      const name = `${model} ${effect} ${key}`;
      const known = writes.get(name);
      if (known !== undefined && (known.outcome === 'ok' || outcome === 'unknown')) continue;
      writes.set(name, {
        row: 'write',
        key,
        service: service as BusinessService,
        model: model as LedgerModel,
        effect: effect as WriteEffect,
        origin: 'load',
        outcome,
        sentAt: endedAt - value,
        answeredAt: endedAt,
      });
    }
  }
  yield* writes.values();
}
