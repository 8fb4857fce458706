import { describe, expect, test } from 'vitest';
import { findRedis, type RedisMachine } from '../../../../../lab/processes/redis/find.ts';

/** A machine with nothing on it and no way to get anything. */
function machine(changes: Partial<RedisMachine> & { readonly versions?: Readonly<Record<string, string>> } = {}): RedisMachine {
  return {
    which: async () => null,
    serverVersion: async (path) => changes.versions?.[path] ?? null,
    cached: async () => null,
    fromWheel: async () => {
      throw new Error('there is no python3 with pip');
    },
    canInstallDebianPackages: false,
    installDebianPackage: async () => undefined,
    ...changes,
  };
}

describe('findRedis', () => {
  test('takes redis-server from PATH first, though valkey and a cached server are there', async () => {
    const found = await findRedis(
      machine({
        which: async (program) => `/bin/${program}`,
        cached: async () => '/cache/redis-server',
        versions: { '/bin/redis-server': '7.0.15', '/bin/valkey-server': '8.1.0', '/cache/redis-server': '6.2.14' },
      }),
    );
    expect(found).toMatchObject({ path: '/bin/redis-server', version: '7.0.15', source: 'path' });
  });

  test('takes valkey-server when redis-server is too old, on the limit of 6.2', async () => {
    const which = async (program: string) => `/bin/${program}`;
    const versions = { '/bin/redis-server': '6.0.16', '/bin/valkey-server': '7.2.5' };
    expect((await findRedis(machine({ which, versions }))).path).toBe('/bin/valkey-server');
    expect((await findRedis(machine({ which, versions: { '/bin/redis-server': '6.2.0' } }))).path).toBe('/bin/redis-server');
  });

  test('takes the cached server next, and says why not PATH', async () => {
    const found = await findRedis(
      machine({
        which: async (program) => (program === 'redis-server' ? '/bin/redis-server' : null),
        cached: async () => '/cache/redis-server',
        versions: { '/bin/redis-server': '5.0.3', '/cache/redis-server': '6.2.14' },
      }),
    );
    expect(found.source).toBe('cache');
    expect(found.reason).toContain('/bin/redis-server is 5.0.3, older than 6.2.0');
  });

  test('unpacks the wheel when there is neither', async () => {
    const found = await findRedis(
      machine({ fromWheel: async () => '/cache/redis-server', versions: { '/cache/redis-server': '6.2.14' } }),
    );
    expect(found).toMatchObject({ source: 'wheel', version: '6.2.14' });
  });

  test('installs the Debian package last, as root', async () => {
    let installed = false;
    const found = await findRedis(
      machine({
        which: async (program) => (installed && program === 'redis-server' ? '/usr/bin/redis-server' : null),
        versions: { '/usr/bin/redis-server': '7.0.15' },
        canInstallDebianPackages: true,
        installDebianPackage: async () => {
          installed = true;
        },
      }),
    );
    expect(found).toMatchObject({ source: 'debian', path: '/usr/bin/redis-server' });
  });

  test('names everything it tried in one sentence when there is nothing, and what to install', async () => {
    await expect(findRedis(machine())).rejects.toMatchObject({
      message: expect.stringMatching(
        /^no Redis server can be had: no redis-server or valkey-server is on PATH; .*no python3 with pip.*; a Debian package/,
      ),
      hint: expect.stringContaining('install redis or valkey'),
    });
  });
});
