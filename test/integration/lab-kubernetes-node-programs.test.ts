/** The node's programs appear in the cache complete or not at all. Built by a stand-in for Go, which takes no minutes. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa, type ResultPromise } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startToken } from '../../lab/processes/process-identity.ts';
import { packageRoot } from '../../src/clients/package-root.ts';
import { cleanEnv } from '../support/cli.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'pp-programs-'));
  mkdirSync(join(root, 'bin'));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A `go` that writes what follows `-o`, after running those shell lines. */
function standInForGo(lines: string): void {
  const file = join(root, 'bin', 'go');
  writeFileSync(file, `#!/bin/sh\n${lines}\nwhile [ "$1" != -o ]; do shift; done\necho built > "$2"\n`);
  chmodSync(file, 0o755);
}

function ensure(): ResultPromise {
  const program = join(packageRoot(), 'lab/kubernetes/node/programs.ts');
  const code = `const m = await import(${JSON.stringify(program)}); console.log(JSON.stringify(await m.ensurePrograms({ onProgress: (line) => console.error(line) })));`;
  return execa(process.execPath, ['--input-type=module', '-e', code], {
    env: cleanEnv({ PEAKPROOF_CACHE: root, PATH: `${join(root, 'bin')}:${process.env.PATH ?? ''}` }),
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
  });
}

const foldersOf = (name: string): readonly string[] => {
  const folder = join(root, 'node-programs', name);
  return existsSync(folder) ? readdirSync(folder) : [];
};

test.skipIf(process.platform !== 'linux')('each program is built once, and started under every name that it has', async () => {
  standInForGo(`echo "$PWD" >> ${join(root, 'builds')}`);
  const first = JSON.parse(String((await ensure()).stdout)) as { dir: string; builtInMs: number };
  expect(readdirSync(first.dir)).toEqual(
    expect.arrayContaining(['kube-apiserver', 'kubelet', 'kubectl', 'coredns', 'metrics-server', 'pause']),
  );
  expect(existsSync(join(first.dir, 'kubelet'))).toBe(true);
  expect(first.builtInMs).toBeGreaterThan(0);
  standInForGo('exit 1');
  expect(JSON.parse(String((await ensure()).stdout))).toEqual({ ...first, builtInMs: 0 });
});

test.skipIf(process.platform !== 'linux')(
  'a build that is killed leaves nothing that counts, and the next one takes its rest away',
  async () => {
    standInForGo(`echo $$ > ${join(root, 'pid')}\nexec sleep 30`);
    const child = ensure();
    await expect.poll(() => existsSync(join(root, 'pid')), { timeout: 10_000 }).toBe(true);
    child.kill('SIGKILL');
    await child;
    const builder = Number(readFileSync(join(root, 'pid'), 'utf8'));
    await expect.poll(() => startToken(builder), { timeout: 5_000 }).toBeNull();
    expect(foldersOf('kubernetes')).toEqual([expect.stringContaining('.partial-')]);
    standInForGo('');
    expect((await ensure()).exitCode).toBe(0);
    expect(foldersOf('kubernetes')).toEqual([expect.not.stringContaining('partial')]);
  },
);

test.skipIf(process.platform !== 'linux')('a failed build names the program and what Go said', async () => {
  standInForGo('echo "go: module not found" >&2; exit 1');
  const result = await ensure();
  expect(result.exitCode).not.toBe(0);
  expect(String(result.stderr)).toMatch(/"go build" of kubernetes v[\d.]+ failed \(1\): go: module not found/);
  expect(foldersOf('kubernetes')).toEqual([]);
});
