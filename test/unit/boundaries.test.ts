/** The directions that imports may take (docs/architecture.md). Reads the code's own import lines. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/clients/package-root.ts';

const root = packageRoot();
const ROOMS = ['src', 'chaos', 'generators', 'reports', 'scenarios', 'lab'];

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

function filesOf(room: string): string[] {
  return readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${room}/${name}`);
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  const pattern =
    /^(?:import|export)\s+(type\s+)?(?:[^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]|(?<!typeof )import\(\s*['"]([^'"]+)['"]\s*\)/gm;
  return [...text.matchAll(pattern)].map((match) => {
    const target = match[2] ?? match[3] ?? '';
    return {
      from: file,
      to: target.startsWith('.') ? relative(root, resolve(root, dirname(file), target)) : target,
      typeOnly: match[1] !== undefined,
    };
  });
}

const all = ROOMS.flatMap(filesOf).flatMap(importsOf);
const broken = (room: (from: string) => boolean, allowed: (entry: Import) => boolean): string[] =>
  all.filter((entry) => room(entry.from) && !allowed(entry)).map((entry) => `${entry.from} imports ${entry.to}`);
const starts = (text: string, ...prefixes: readonly string[]): boolean => prefixes.some((prefix) => text.startsWith(prefix));
const isPackage = (to: string): boolean => !ROOMS.some((room) => to.startsWith(`${room}/`));

describe('imports point one way', () => {
  test('there are imports to look at', () => expect(all.length).toBeGreaterThan(100));

  test('model imports nothing but model', () =>
    expect(
      broken(
        (from) => from.startsWith('src/model/'),
        ({ to }) => to.startsWith('src/model/'),
      ),
    ).toEqual([]));

  test('the lab imports nothing of the harness', () =>
    expect(
      broken(
        (from) => from.startsWith('lab/'),
        ({ to }) => to.startsWith('lab/') || isPackage(to),
      ),
    ).toEqual([]));

  test('the harness imports nothing of the lab', () =>
    expect(all.filter(({ from, to }) => !from.startsWith('lab/') && to.startsWith('lab/'))).toEqual([]));

  test('scenarios import themselves and k6, and types of the model', () =>
    expect(
      broken(
        (from) => from.startsWith('scenarios/'),
        ({ to, typeOnly }) => starts(to, 'scenarios/', 'k6') || (typeOnly && to.startsWith('src/model/')),
      ),
    ).toEqual([]));

  test('generators, reports and evaluate touch no world', () =>
    expect(
      broken(
        (from) =>
          starts(from, 'generators/', 'src/evaluate/') || (from.startsWith('reports/') && !from.endsWith('html/assets.ts')),
        ({ to }) => !/^(node:(fs|net|http|https|child_process|process|timers|dns)|pg$|ioredis$|execa$|@kubernetes)/.test(to),
      ),
    ).toEqual([]));

  test('the world is touched by clients only', () =>
    expect(
      broken(
        (from) => !starts(from, 'src/clients/', 'lab/', 'scenarios/'),
        ({ to, typeOnly }) =>
          typeOnly || !/^(pg|ioredis|execa|@kubernetes\/client-node|@duckdb\/node-api|node:child_process|node:net)$/.test(to),
      ),
    ).toEqual([]));

  test('nobody imports the command line', () =>
    expect(all.filter(({ from, to }) => !from.startsWith('src/cli/') && to.startsWith('src/cli/'))).toEqual([]));

  test('only run and cli know both load and chaos', () =>
    expect(
      broken(
        (from) => starts(from, 'src/load/', 'src/observe/', 'src/seed/', 'src/clients/'),
        ({ to, typeOnly }) => typeOnly || !starts(to, 'chaos/', 'src/run/', 'reports/'),
      ),
    ).toEqual([]));

  test('pure stages ask neither the clock nor chance', () => {
    const pure = ['generators', 'reports', 'src/evaluate'].flatMap(filesOf);
    const guilty = pure.filter((file) =>
      /\bDate\.now\(|\bMath\.random\(|\bprocess\.(env|argv|cwd)/.test(readFileSync(join(root, file), 'utf8')),
    );
    expect(guilty).toEqual([]);
  });
});
