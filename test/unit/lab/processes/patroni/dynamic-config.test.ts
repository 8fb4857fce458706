import { describe, expect, test } from 'vitest';
import { labConfig, mergeConfig, patchConfig } from '../../../../../lab/processes/patroni/dynamic-config.ts';

describe('patchConfig', () => {
  const config = labConfig({ synchronous: false });

  test('merges trees and keeps what the patch does not name', () => {
    expect(patchConfig(config, { ttl: 9, postgresql: { parameters: { work_mem: '8MB' } } })).toMatchObject({
      ttl: 9,
      loop_wait: 1,
      postgresql: { use_pg_rewind: false, parameters: { work_mem: '8MB' } },
    });
  });

  test('removes a key that is null, falling back to the default where one is needed', () => {
    expect(mergeConfig({ pause: true, ttl: 9 }, { pause: null })).toEqual({ ttl: 9 });
    expect(patchConfig({ ...config, ttl: 9 }, { ttl: null })).toMatchObject({ ttl: 5 });
  });

  test.each([[[]], [null], [{ ttl: '5' }], [{ ttl: 0 }], [{ loop_wait: -1 }], [{ synchronous_mode: 'on' }]])(
    'refuses %j',
    (patch) => {
      expect(patchConfig(config, patch)).toHaveProperty('problem');
    },
  );
});
