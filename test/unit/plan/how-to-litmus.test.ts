/** What docs/how-to/litmus.md shows can be taken as it is: sections of plans, commands, keys with their defaults. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import type { CliContext } from '../../../src/cli/context.ts';
import { buildProgram } from '../../../src/cli/program.ts';
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
const page = readFileSync(join(packageRoot(), 'docs/how-to/litmus.md'), 'utf8');
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, text = '']) => text);
const read = (section: object) => readPlan(stringify({ ...FRAME, ...section }), 'how-to.yaml');

describe('docs/how-to/litmus.md', () => {
  test('its sections are read without a problem, one of each kind', () => {
    const kinds = blocks('yaml').flatMap((text) => read(parse(text) as object).faults.map(({ kind }) => kind));
    expect(kinds).toEqual(['litmus/engine', 'litmus/external']);
  });

  test('names the defaults that the schema has', () => {
    const [fault] = read({
      kubernetes: { namespace: 'erp', deployment: 'odoo' },
      faults: [{ id: 'x', kind: 'litmus/engine', at: '1s', experiment: 'e', serviceAccount: 's', app: { label: 'app=x' } }],
    }).faults;
    expect(fault).toMatchObject({
      app: { kind: 'deployment' },
      durationMs: 20_000,
      intervalMs: 10_000,
      env: {},
      healthCheck: true,
      proof: 'pods-gone',
      maxAffectedRatio: 0.5,
      startWithinMs: 120_000,
      endWithinMs: 120_000,
      keepResult: false,
    });
    for (const row of [
      '`for`, `interval` | `20s`, `10s`',
      '`startWithin` | `120s`',
      '`endWithin` | `120s`',
      '`maxAffected` | `50%`',
    ])
      expect(page).toContain(row);
  });

  const commands = blocks('sh').flatMap((text) =>
    text.split('\n').flatMap((line) => /^peakproof (.*?)\s*(?:#.*|>.*)?$/.exec(line)?.[1]?.trim() ?? []),
  );

  // `lab` hands its words on to another process.
  test.each([...new Set(commands)].filter((line) => !line.startsWith('lab ')))(
    'peakproof %s is a command with these options',
    (line) => {
      let command: Command = buildProgram({ output: {} } as unknown as CliContext);
      for (const word of line.split(/\s+/)) {
        const child = command.commands.find((candidate) => candidate.name() === word);
        if (child !== undefined) command = child;
        else if (word.startsWith('--')) expect(command.options.map(({ long }) => long)).toContain(word);
      }
      expect(command.name()).toBe(line.startsWith('import') ? 'litmus' : line.split(' ')[0]);
    },
  );
});

describe('a plan with litmus/engine', () => {
  const problemsOf = (fault: object): string => {
    try {
      read({
        kubernetes: { namespace: 'erp', deployment: 'odoo' },
        faults: [
          { id: 'x', kind: 'litmus/engine', at: '1s', experiment: 'e', serviceAccount: 's', app: { label: 'app=x' }, ...fault },
        ],
      });
    } catch (error) {
      const { problems = [] } = error as { readonly problems?: readonly { readonly at: string; readonly message: string }[] };
      return problems.map(({ at, message }) => `${at}: ${message}`).join('\n');
    }
    return '';
  };

  test('is refused with parts of seconds, an empty selector, or its own variables in env', () => {
    expect(problemsOf({ for: '1500ms' })).toContain('faults[0].for: must be whole seconds');
    expect(problemsOf({ app: { label: '' } })).toContain('would match every pod');
    expect(problemsOf({ env: { CHAOS_INTERVAL: '5' } })).toContain('give them as "for" and "interval"');
    expect(problemsOf({ probes: [{ name: 'x' }] })).toContain('faults[0].probes[0].type');
  });

  test('needs the Kubernetes section', () => {
    const faults = [{ id: 'x', kind: 'litmus/external', at: '1s', experiment: 'e', selector: 'app=x' }];
    expect(() => read({ faults })).toThrow('how-to.yaml has 1 problem');
  });
});
