import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { packageRoot } from '../../../src/clients/package-root.ts';
import { HarnessError } from '../../../src/errors.ts';
import { readPlan } from '../../../src/plan/read-plan.ts';
import { planJsonSchema } from '../../../src/plan/schema.ts';

const MINIMAL = `schemaVersion: 1
name: small
target: { kind: lab }
phases: { warmUp: 1s, baseline: 2s, disturbance: 10s, recovery: 2s, settle: 1s }
load:
  scenarios:
    - { id: sale, kind: flash-sale, stages: [{ ratePerSecond: 2, for: 15s }] }
objectives:
  - { id: fast, kind: attainment, scenario: sale, phases: [baseline], within: 1s, minRatio: 95% }
`;

function problemsOf(text: string) {
  try {
    readPlan(text, 'p.yaml');
  } catch (error) {
    if (error instanceof HarnessError) return error.problems;
    throw error;
  }
  return [];
}

describe('readPlan', () => {
  test('fills in defaults and turns durations into milliseconds', () => {
    const plan = readPlan(MINIMAL, 'p.yaml');
    expect(plan.phases.disturbanceMs).toBe(10_000);
    expect(plan.load.scenarios[0]).toMatchObject({
      timeoutMs: 40_000,
      loadClass: 'user',
      stages: [{ ratePerSecond: 2, durationMs: 15_000 }],
    });
    expect(plan.objectives[0]).toMatchObject({ minRatio: 0.95, withinMs: 1_000 });
    expect(plan.guards.minDeliveredRatio).toBe(0.95);
  });

  test('names every problem of a file at once, each with line, column and path', () => {
    const broken = MINIMAL.replace('name: small', 'name: Small Plan')
      .replace('warmUp: 1s', 'warmUp: 1 second')
      .replace('ratePerSecond: 2,', 'ratePerSecond: 2, colour: red,')
      .replace('scenario: sale', 'scenario: sail')
      .replace('target: { kind: lab }', 'target: { kind: lab }\nnmae: x');
    const problems = problemsOf(broken);
    expect(problems.map((problem) => problem.at)).toEqual(
      expect.arrayContaining([
        'p.yaml:2:7 name',
        expect.stringMatching(/^p\.yaml:\d+:\d+ nmae$/),
        expect.stringMatching(/^p\.yaml:\d+:\d+ phases\.warmUp$/),
        expect.stringMatching(/^p\.yaml:\d+:\d+ load\.scenarios\[0\]\.stages\[0\]\.colour$/),
      ]),
    );
    expect(problems.find((problem) => problem.at.endsWith('phases.warmUp'))?.message).toContain('"1 second" is not a duration');
  });

  test('checks one section against another even when a third is wrong', () => {
    const problems = problemsOf(
      `${MINIMAL}faults:\n  - { id: k, kind: kubernetes/kill-pods, at: 99s, selector: app=erp, count: 1 }\n`
        .replace('seed', 'seed')
        .replace('name: small', 'name: 7'),
    );
    expect(problems.map((problem) => problem.message).join('\n')).toContain('is after the end of the disturbance');
    expect(problems.some((problem) => problem.at.includes('name'))).toBe(true);
  });

  test('refuses a fault whose door is missing, by name, when the target is a stock Odoo', () => {
    const plan = `${MINIMAL}faults:\n  - { id: flood, kind: redis/flood, mode: memory, at: 1s }\n`.replace(
      'target: { kind: lab }',
      'target: { kind: odoo, url: "http://127.0.0.1:8069", database: erp, login: admin, password: { env: ODOO_PASSWORD } }',
    );
    expect(problemsOf(plan)[0]?.message).toContain('"redis/flood" (fault "flood") needs the section "redis"');
  });

  test.each([
    [
      'an objective about a fault that does not exist',
      '  - { id: r, kind: recovery, service: pos, fault: nope, max: 5s }\n',
      '"nope" is no fault',
    ],
    [
      'a recovery objective without a probe',
      '  - { id: r, kind: recovery, service: pos, fault: nope, max: 5s }\n',
      'no probe measures "pos"',
    ],
    [
      'a client that gives up before the recovery target',
      '  - { id: r, kind: recovery, service: pos, fault: nope, max: 50s }\n',
      'less than the longest recovery target',
    ],
    ['an id that is used twice', '  - { id: fast, kind: invariant, invariant: debit-equals-credit }\n', '"fast" is used twice'],
  ])('refuses %s', (_, addition, message) => {
    expect(
      problemsOf(MINIMAL + addition)
        .map((problem) => problem.message)
        .join('\n'),
    ).toContain(message);
  });

  test('a failover lasts as long as its mode needs, and only where something lasts', () => {
    const faults = (text: string): string => `${MINIMAL}faults:\n  - { id: f, kind: postgres/failover, at: 1s, ${text} }\n`;
    const read = (text: string) => readPlan(faults(text), 'p.yaml').faults[0];
    expect(read('mode: kill-patroni')).toMatchObject({ mode: 'kill-patroni', durationMs: 5_000 });
    expect(read('mode: frozen-walsender, for: 800ms')).toMatchObject({ durationMs: 800 });
    expect(read('mode: crash')).not.toHaveProperty('durationMs');
    expect(problemsOf(faults('mode: crash, for: 2s'))[0]?.message).toBe(
      'is for the modes kill-patroni, frozen-walsender, fence only',
    );
    expect(problemsOf(faults('mode: frozen-walsender, for: 31s'))[0]?.message).toContain('is more than 30 s');
    expect(problemsOf(faults('mode: fence'))[0]?.message).toBe(
      '"fence" is not for driver patroni, which knows switchover, crash, failover, kill-patroni, frozen-walsender',
    );
  });

  test('refuses a password written into a URL', () => {
    const plan = MINIMAL.replace(
      'target: { kind: lab }',
      'target: { kind: odoo, url: "http://admin:hunter7@h", database: d, login: a, password: { env: P } }',
    );
    const text = JSON.stringify(problemsOf(plan));
    expect(text).toContain('carries a user name or password');
    expect(text).not.toContain('hunter7');
  });

  test('says where YAML itself is broken', () => {
    expect(problemsOf('name: [1,\nb: {')[0]?.at).toMatch(/^p\.yaml:\d+:\d+$/);
  });
});

describe('the ready plans and the published schema', () => {
  const plans = readdirSync(join(packageRoot(), 'plans')).filter((name) => name.endsWith('.yaml'));
  test('there is a demo plan', () => expect(plans).toContain('demo.yaml'));

  test.each(plans)('%s is a valid plan and agrees with the JSON Schema', (name) => {
    const text = readFileSync(join(packageRoot(), 'plans', name), 'utf8');
    expect(readPlan(text, name).schemaVersion).toBe(1);
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(planJsonSchema());
    expect(validate(parse(text)), JSON.stringify(validate.errors)).toBe(true);
  });

  test('the JSON Schema refuses what the reader refuses', () => {
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(planJsonSchema());
    expect(validate({ ...parse(MINIMAL), phases: { warmUp: 5 } })).toBe(false);
    expect(validate({ ...parse(MINIMAL), nmae: 1 })).toBe(false);
  });
});
