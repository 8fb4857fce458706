import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { packageRoot } from '../../../src/clients/package-root.ts';
import { githubWorkflowSchema, gitlabPipelineSchema } from './pipeline-schemas.ts';

const ci = (name: string) => readFileSync(join(packageRoot(), 'ci', name), 'utf8');

function read(name: string): unknown {
  const document = parseDocument(ci(name), { uniqueKeys: true });
  expect([...document.errors, ...document.warnings]).toEqual([]);
  return document.toJS();
}

function problems(schema: object, value: unknown): readonly string[] {
  const validate = new Ajv({ allErrors: true, strict: false }).compile(schema);
  return validate(value) ? [] : (validate.errors ?? []).map((one) => `${one.instancePath} ${one.message}`);
}

describe('ci/github-actions.yml', () => {
  const text = ci('github-actions.yml');

  test('is a valid workflow', () => {
    expect(problems(githubWorkflowSchema, read('github-actions.yml'))).toEqual([]);
  });

  test('uses only contexts that exist and closes every expression', () => {
    const expressions = [...text.matchAll(/\$\{\{(.*?)\}\}/g)].map((found) => found[1] ?? '');
    expect(text.split('${{')).toHaveLength(expressions.length + 1);
    const roots = expressions.flatMap((one) =>
      [...one.replace(/'[^']*'/g, '').matchAll(/(?<![\w.])([a-z]+)\./g)].map((found) => found[1]),
    );
    expect([...new Set(roots)].toSorted()).toEqual(['inputs', 'secrets']);
  });

  test('no expression is pasted into a shell line, where a secret or an input would be read as code', () => {
    const shell = [...text.matchAll(/^\s*run: (.*)$/gm)].map((found) => found[1] ?? '');
    expect(shell.length).toBeGreaterThan(0);
    expect(shell.filter((line) => line.includes('${{'))).toEqual([]);
  });

  test('keeps the report and publishes JUnit also when the gate is shut', () => {
    const { jobs } = read('github-actions.yml') as {
      jobs: { gate: { steps: { if?: string; with?: Record<string, unknown> }[] } };
    };
    const [publish, keep] = jobs.gate.steps.slice(-2);
    expect(publish).toMatchObject({
      if: expect.stringContaining('!cancelled()'),
      with: { report_paths: 'peakproof-report/report.junit.xml' },
    });
    expect(keep).toMatchObject({ if: expect.stringContaining('always()'), with: { path: 'peakproof-report/' } });
  });
});

describe('ci/gitlab-ci.yml', () => {
  test('is a valid pipeline', () => {
    expect(problems(gitlabPipelineSchema, read('gitlab-ci.yml'))).toEqual([]);
  });

  test('keeps the report and publishes JUnit also when the gate is shut', () => {
    expect(read('gitlab-ci.yml')).toMatchObject({
      'performance-gate': {
        artifacts: { when: 'always', paths: ['peakproof-report/'], reports: { junit: 'peakproof-report/report.junit.xml' } },
      },
    });
  });

  test('its stage is declared', () => {
    const pipeline = read('gitlab-ci.yml') as { stages: string[]; 'performance-gate': { stage: string } };
    expect(pipeline.stages).toContain(pipeline['performance-gate'].stage);
  });
});

test.each(['github-actions.yml', 'gitlab-ci.yml'])('%s installs, checks the plan and runs it through the gate', (name) => {
  const text = ci(name);
  const steps = ['npm install', 'peakproof plan check "$PLAN"', 'bash node_modules/peakproof/ci/gate.sh "$PLAN"'];
  const places = steps.map((step) => text.indexOf(step));
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(places[0]).toBeGreaterThan(0);
});

test.each(['github-actions.yml', 'gitlab-ci.yml'])('%s installs the version of this package', (name) => {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string };
  expect(ci(name)).toContain(`PEAKPROOF_VERSION: "${version}"`);
});
