/** The sections that a how-to shows are sections that the reader takes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { packageRoot } from '../../../src/clients/package-root.ts';
import { readPlan } from '../../../src/plan/read-plan.ts';

const FRAME = {
  schemaVersion: 1,
  name: 'how-to',
  target: { kind: 'odoo', url: 'https://erp.example', database: 'erp', login: 'me', password: { env: 'P' } },
  phases: { warmUp: '1s', baseline: '10s', disturbance: '10m', recovery: '1m', settle: '1s' },
  load: { scenarios: [{ id: 'sale', kind: 'flash-sale', stages: [{ ratePerSecond: 2, for: '11m' }] }] },
  objectives: [{ id: 'fast', kind: 'attainment', scenario: 'sale', phases: ['baseline'], within: '1s', minRatio: '95%' }],
};
const sections = (file: string): string[] =>
  [...readFileSync(join(packageRoot(), 'docs/how-to', file), 'utf8').matchAll(/^```yaml\n(.*?)^```/gms)].map(
    ([, text = '']) => text,
  );

describe('docs/how-to/postgresql.md', () => {
  const found = sections('postgresql.md');

  test('shows a section for each driver', () => {
    const drivers = found.map((text) => (parse(text) as { postgres: { driver: string } }).postgres.driver);
    expect([...new Set(drivers)].sort()).toEqual(['cloudnative-pg', 'command', 'patroni']);
  });

  test.each(found.map((text, index) => [index + 1, text] as const))('its section %i is read without a problem', (_, text) => {
    const plan = readPlan(stringify({ ...FRAME, ...(parse(text) as object) }), 'how-to.yaml');
    expect(plan.postgres).toBeDefined();
  });
});

describe('docs/how-to/redis-sentinel.md', () => {
  const found = sections('redis-sentinel.md');

  test('shows the section, an address map, and programs', () => {
    const shown = found.flatMap((text) => Object.keys((parse(text) as { redis: object }).redis));
    expect(shown).toEqual(expect.arrayContaining(['sentinels', 'commands']));
  });

  test.each(found.map((text, index) => [index + 1, text] as const))('its section %i is read without a problem', (_, text) => {
    const plan = readPlan(stringify({ ...FRAME, ...(parse(text) as object) }), 'how-to.yaml');
    expect(plan.redis?.sentinels).toBeDefined();
  });
});
