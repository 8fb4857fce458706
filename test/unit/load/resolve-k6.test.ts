import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { packageRoot } from '../../../src/clients/package-root.ts';
import { checksumOf, programInTar, programInZip, releaseName } from '../../../src/load/k6-release.ts';
import { isSupportedK6 } from '../../../src/load/k6-versions.ts';
import { resolveK6 } from '../../../src/load/resolve-k6.ts';
import { aTar, aZip, startReleases } from './release-server.ts';

const program = (name: string) => join(packageRoot(), 'test/fixtures/k6-programs', name);

let dir: string;
let bin: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'peakproof-unit-'));
  bin = join(dir, 'bin');
  await mkdir(bin);
  // The fixtures are shell scripts.
  await symlink('/bin/sh', join(bin, 'sh'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const env = () => ({ PATH: bin, PEAKPROOF_CACHE: join(dir, 'cache') });
const nowhere = 'http://127.0.0.1:1/releases';

describe('the k6 that is taken', () => {
  test('is the one on PATH when its version is in range', async () => {
    await symlink(program('prints-summary'), join(bin, 'k6'));
    expect(await resolveK6({ env: env() })).toMatchObject({ path: join(bin, 'k6'), version: '2.2.0', origin: 'path' });
  });

  test('is the cached one when the one on PATH is too old, and says why', async () => {
    await symlink(program('is-old'), join(bin, 'k6'));
    await mkdir(join(dir, 'cache/k6/2.2.0'), { recursive: true });
    await copyFile(program('prints-summary'), join(dir, 'cache/k6/2.2.0/k6'));
    const found = await resolveK6({ env: env() });
    expect(found).toMatchObject({ origin: 'cache', version: '2.2.0' });
    expect(found.why).toMatch(/0\.54\.0, needed is >=1\.0\.0 <3\.0\.0/);
  });

  test('too old and nothing else to be had: says what was tried and what to do', async () => {
    await symlink(program('is-old'), join(bin, 'k6'));
    await expect(resolveK6({ env: env(), lookOnly: true })).rejects.toMatchObject({
      code: 'ERR_K6_VERSION',
      message: expect.stringContaining('k6 0.54.0'),
      hint: expect.stringContaining('Go 1.25'),
    });
  });

  test('none at all: the missing go and the unreachable release are named', async () => {
    await expect(resolveK6({ env: env(), releasesUrl: nowhere })).rejects.toMatchObject({
      code: 'ERR_K6_MISSING',
      message: expect.stringMatching(/PATH has no k6; no k6 2\.2\.0 in the cache .*PATH has no go.*127\.0\.0\.1:1/),
    });
  });

  test('a program that is not k6 is passed over', async () => {
    await symlink(program('prints-garbage'), join(bin, 'k6'));
    await expect(resolveK6({ env: env(), lookOnly: true })).rejects.toMatchObject({ code: 'ERR_K6_MISSING' });
  });

  test('is what a Go build made, kept in the cache for the next time', async () => {
    // A go that "builds" by copying a fixture to the path behind -o.
    await symlink(program('go-that-copies'), join(bin, 'go'));
    const lines: string[] = [];
    const built = await resolveK6({
      env: { ...env(), PATH: `${bin}:/usr/bin:/bin`, FIXTURE_K6: program('prints-summary') },
      releasesUrl: nowhere,
      onProgress: (line) => lines.push(line),
    });
    expect(built).toMatchObject({ origin: 'built', path: join(dir, 'cache/k6/2.2.0/k6') });
    expect(lines[0]).toContain('building k6 2.2.0');
    expect(await resolveK6({ env: env() })).toMatchObject({ origin: 'cache' });
  });
});

describe('a release', () => {
  test('is taken when its SHA-256 is the one of its list, else refused', async () => {
    const name = releaseName('2.2.0', process.platform, process.arch);
    const k6 = await readFile(program('prints-summary'));
    const archive = name.endsWith('.zip') ? aZip('k6/k6', k6) : gzipSync(aTar('k6/k6', k6));
    const sum = createHash('sha256').update(archive).digest('hex');
    for (const [listed, origin] of [
      [sum, 'download'],
      ['0'.repeat(64), null],
    ] as const) {
      const releases = await startReleases({ [name]: archive, 'k6-v2.2.0-checksums.txt': Buffer.from(`${listed}  ${name}\n`) });
      const cache = { ...env(), PEAKPROOF_CACHE: join(dir, String(origin)) };
      const found = resolveK6({ env: cache, releasesUrl: releases.url });
      if (origin === null)
        await expect(found).rejects.toMatchObject({ code: 'ERR_K6_MISSING', message: expect.stringContaining(sum) });
      else expect(await found).toMatchObject({ origin, why: expect.stringContaining('SHA-256') });
      await releases.close();
    }
  });

  test('has a name for each platform it is made for', () => {
    expect(releaseName('2.2.0', 'linux', 'x64')).toBe('k6-v2.2.0-linux-amd64.tar.gz');
    expect(releaseName('2.2.0', 'darwin', 'arm64')).toBe('k6-v2.2.0-macos-arm64.zip');
    expect(() => releaseName('2.2.0', 'sunos', 'x64')).toThrow(/no k6 release for sunos/);
  });

  test('gives its program out of tar and zip, and null when there is none', async () => {
    const bytes = Buffer.from('program');
    expect(programInTar(aTar('k6-v2.2.0-linux-amd64/k6', bytes))?.toString()).toBe('program');
    expect(programInTar(aTar('other/readme', bytes))).toBeNull();
    expect(programInTar(Buffer.alloc(10))).toBeNull();
    expect((await programInZip(aZip('k6-v2.2.0-macos-arm64/k6', bytes)))?.toString()).toBe('program');
    expect(await programInZip(aZip('readme', bytes))).toBeNull();
  });

  test('list of checksums is read line by line', () => {
    const digest = 'a'.repeat(64);
    expect(checksumOf(`${'b'.repeat(64)}  other\n${digest}  k6.zip\n`, 'k6.zip')).toBe(digest);
    expect(checksumOf(`nonsense  k6.zip\n`, 'k6.zip')).toBeNull();
  });
});

test('versions from 1 to below 3 are supported', () => {
  expect(['0.57.0', '1.0.0', '2.9.1', '3.0.0'].map(isSupportedK6)).toEqual([false, true, true, false]);
});
