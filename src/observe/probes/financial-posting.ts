import type { Probe, ProbeContext } from './probe.ts';

const AMOUNT = 1;

/** A balanced entry of two lines, created and posted. Its latency is that of both calls. */
export function createFinancialPostingProbe({ odoo, catalogue, clock }: ProbeContext): Probe {
  const { accounts, journals } = catalogue;
  return {
    service: 'financial-posting',
    start: async () => undefined,
    async shoot(key, _number, timeoutMs) {
      const startedMs = clock.monotonic();
      const entry = {
        move_type: 'entry',
        journal_id: journals.general,
        date: new Date(clock.now()).toISOString().slice(0, 10),
        ref: key,
        line_ids: [
          [0, 0, { account_id: accounts.expense, name: key, debit: AMOUNT, credit: 0 }],
          [0, 0, { account_id: accounts.revenue, name: key, debit: 0, credit: AMOUNT }],
        ],
      };
      const created = await odoo.call('account.move', 'create', [entry], {}, { timeoutMs });
      const creation = { model: 'account.move', effect: 'create', answer: created } as const;
      if (created.outcome !== 'ok')
        return { outcome: created.outcome, detail: `create: ${created.message ?? ''}`, writes: [creation] };
      const leftMs = Math.max(1, timeoutMs - (clock.monotonic() - startedMs));
      const posted = await odoo.call('account.move', 'action_post', [[created.value ?? 0]], {}, { timeoutMs: leftMs });
      return {
        outcome: posted.outcome,
        ...(posted.outcome === 'ok' ? {} : { detail: `action_post: ${posted.message ?? ''}` }),
        writes: [creation, { model: 'account.move', effect: 'post', answer: posted }],
      };
    },
    stop: async () => [],
  };
}
