import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packageRoot } from '../../../src/clients/package-root.ts';
import { readPlan } from '../../../src/plan/read-plan.ts';

const folder = join(packageRoot(), 'plans');
const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

describe('ready plans', () => {
  test('are there for a sale, a close and a whole peak day', () => {
    expect(names).toEqual(expect.arrayContaining(['demo.yaml', 'flash-sale.yaml', 'month-end.yaml', 'peak-day.yaml']));
  });

  test.each(names)('%s is valid, is named after its file and promises something', (name) => {
    const plan = readPlan(readFileSync(join(folder, name), 'utf8'), name);
    expect(plan.name).toBe(name.replace('.yaml', ''));
    expect(plan.objectives.length).toBeGreaterThan(0);
  });

  test.each(['github-actions.yml', 'gitlab-ci.yml'])('%s runs one of them', (name) => {
    const text = readFileSync(join(packageRoot(), 'ci', name), 'utf8');
    const plan = /plans\/([\w-]+\.yaml)/.exec(text)?.[1];
    expect(names).toContain(plan);
  });
});
