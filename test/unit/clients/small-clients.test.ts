import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/clients/clock.ts';
import { findPackageRoot, packageRoot } from '../../../src/clients/package-root.ts';
import { createPostgresPort } from '../../../src/clients/postgres.ts';
import { createRedisPort } from '../../../src/clients/redis.ts';
import { errorCount, infoNumber, keyCount, parseInfo } from '../../../src/clients/redis-info.ts';
import { readSecret } from '../../../src/clients/secrets.ts';
import { readTimeouts } from '../../../src/clients/timeouts.ts';

describe('readSecret', () => {
  test('reads a variable, and names it when it is missing or empty', () => {
    expect(readSecret({ env: 'PG_PASSWORD' }, { PG_PASSWORD: 's3' })).toBe('s3');
    expect(() => readSecret({ env: 'PG_PASSWORD' }, {})).toThrow('environment variable PG_PASSWORD is not set');
    expect(() => readSecret({ env: 'PG_PASSWORD' }, { PG_PASSWORD: '' })).toThrow('PG_PASSWORD is empty');
  });

  test('reads a file without its final newline, and names it when it cannot be read', () => {
    const folder = mkdtempSync(join(tmpdir(), 'peakproof-secret-'));
    try {
      const file = join(folder, 'password');
      writeFileSync(file, 'a b \n');
      expect(readSecret({ file }, {})).toBe('a b ');
      writeFileSync(file, '\n');
      expect(() => readSecret({ file }, {})).toThrow('is empty');
      expect(() => readSecret({ file: join(folder, 'none') }, {})).toThrow(/none cannot be read \(ENOENT\)/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('readTimeouts', () => {
  test('overrides defaults by name', () => {
    expect(readTimeouts({ PEAKPROOF_TIMEOUTS: '{"patroniMove": 90000}' })).toMatchObject({
      patroniMove: 90_000,
      kubernetesCall: 10_000,
    });
    expect(readTimeouts({}).patroniMove).toBe(60_000);
  });

  test.each([
    ['{"patronimove": 1}', 'unknown name "patronimove"'],
    ['{"patroniMove": "9s"}', 'not a number of milliseconds'],
    ['{"patroniMove": 0}', 'not a number of milliseconds'],
    ['[1]', 'not a JSON object'],
    ['{', 'is not JSON'],
  ])('refuses %s', (text, words) => expect(() => readTimeouts({ PEAKPROOF_TIMEOUTS: text })).toThrow(words));
});

describe('INFO of Redis', () => {
  const info = parseInfo(
    '# Memory\r\nused_memory:1024\r\nmaxmemory_policy:allkeys-lru\r\n\r\n# Errorstats\r\nerrorstat_OOM:count=7\r\n' +
      '# Keyspace\r\ndb0:keys=10,expires=2,avg_ttl=0\r\ndb3:keys=5,expires=0,avg_ttl=0\r\n',
  );

  test('is a flat record', () => {
    expect(info).toMatchObject({ used_memory: '1024', maxmemory_policy: 'allkeys-lru' });
    expect(infoNumber(info, 'used_memory')).toBe(1_024);
  });

  test('counts errors by class and keys of every database, and 0 what is not there', () => {
    expect([errorCount(info, 'OOM'), errorCount(info, 'ERR'), keyCount(info), infoNumber(info, 'nothing')]).toEqual([
      7, 0, 15, 0,
    ]);
  });
});

describe('systemClock', () => {
  test('rejects with the reason of a signal that is aborted already, without waiting', async () => {
    await expect(systemClock.sleep(60_000, { signal: AbortSignal.abort('stop') })).rejects.toBe('stop');
  });

  test('rejects with the reason when aborted during the sleep', async () => {
    const stop = new AbortController();
    const sleeping = systemClock.sleep(60_000, { signal: stop.signal });
    stop.abort('SIGINT');
    await expect(sleeping).rejects.toBe('SIGINT');
  });
});

describe('packageRoot', () => {
  test('finds the package named peakproof above this file, and says when there is none', () => {
    expect(findPackageRoot(join(packageRoot(), 'test/unit'))).toBe(packageRoot());
    expect(() => findPackageRoot(tmpdir())).toThrow('no package.json named "peakproof"');
  });
});

describe('addresses', () => {
  test('labels have no user and no secret in them', () => {
    expect(createPostgresPort({ url: 'postgres://odoo@db.example:6432/erp', password: 's3' }).label).toBe('db.example:6432/erp');
    expect(createRedisPort({ url: 'rediss://cache.example/3', password: 's3' }).label).toBe('cache.example:6379/3');
  });

  test('what is no address is refused without repeating it', () => {
    expect(() => createPostgresPort({ url: 'host=db password=s3' })).toThrow(/^the PostgreSQL address of the plan is not a URL$/);
    expect(() => createRedisPort({ url: 'redis://h/x' })).toThrow('"x" is not the number of a Redis database');
  });
});
