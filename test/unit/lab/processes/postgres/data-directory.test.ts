import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  copyCluster,
  formatLsn,
  orphanedSharedMemory,
  parseLsn,
  readControlFile,
  readTimelineHistory,
} from '../../../../../lab/processes/postgres/data-directory.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'peakproof-data-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(file: string, content: string | Buffer = ''): void {
  mkdirSync(join(folder, file, '..'), { recursive: true });
  writeFileSync(join(folder, file), content);
}

describe('LSN', () => {
  test.each([
    ['0/0', 0n],
    ['0/3000158', 0x3000158n],
    ['1A/FFFFFFFF', 0x1affffffffn],
  ])('%s is %s, both ways', (text, lsn) => {
    expect(parseLsn(text)).toBe(lsn);
    expect(formatLsn(lsn)).toBe(text);
  });
});

describe('readControlFile', () => {
  test('finds state, checkpoint and timeline at their places', async () => {
    const bytes = Buffer.alloc(8192);
    bytes.writeUInt32LE(1, 16);
    bytes.writeBigUInt64LE(0x3000028n, 32);
    bytes.writeUInt32LE(7, 48);
    write('global/pg_control', bytes);
    expect(await readControlFile(folder)).toEqual({ cleanShutdown: true, checkpointLsn: 0x3000028n, timeline: 7 });
    bytes.writeUInt32LE(6, 16);
    write('global/pg_control', bytes);
    expect((await readControlFile(folder)).cleanShutdown).toBe(false);
  });
});

describe('readTimelineHistory', () => {
  test('reads where each timeline ended, and knows that the first has no file', async () => {
    write('pg_wal/00000003.history', '1\t0/3000158\tno recovery target specified\n\n2\t0/5000000\tbefore\n');
    expect(await readTimelineHistory(folder, 3)).toEqual([
      { timeline: 1, lsn: 0x3000158n, reason: 'no recovery target specified' },
      { timeline: 2, lsn: 0x5000000n, reason: 'before' },
    ]);
    expect(await readTimelineHistory(folder, 1)).toEqual([]);
  });
});

describe('copyCluster', () => {
  test('leaves out what belongs to the running server, and the WAL of a running one', async () => {
    for (const file of ['PG_VERSION', 'base/1/1234', 'base/1/pg_internal.init', 'postmaster.pid', 'standby.signal'])
      write(file, file);
    write('pg_wal/000000010000000000000001', 'wal');
    write('pg_replslot/slot/state', 'slot');
    const copied = async (wal: boolean, name: string) => {
      const target = `${folder}-${name}`;
      try {
        await copyCluster(folder, target, { user: null, wal });
        return [
          'PG_VERSION',
          'base/1/1234',
          'base/1/pg_internal.init',
          'postmaster.pid',
          'standby.signal',
          'pg_replslot',
          'pg_replslot/slot',
          'pg_wal',
          'pg_wal/000000010000000000000001',
        ].filter((file) => existsSync(join(target, file)));
      } finally {
        rmSync(target, { recursive: true, force: true });
      }
    };
    expect(await copied(true, 'cold')).toEqual([
      'PG_VERSION',
      'base/1/1234',
      'pg_replslot',
      'pg_wal',
      'pg_wal/000000010000000000000001',
    ]);
    expect(await copied(false, 'hot')).toEqual(['PG_VERSION', 'base/1/1234', 'pg_replslot', 'pg_wal']);
  });
});

describe('orphanedSharedMemory', () => {
  test('reads the id of the segment, and null when there is no file or no such line', async () => {
    expect(await orphanedSharedMemory(folder)).toBeNull();
    write('postmaster.pid', '1\n/data\n2\n5432\n\n127.0.0.1\n  5432001   32768\nready\n');
    expect(await orphanedSharedMemory(folder)).toBe(32768);
    write('postmaster.pid', '1\n');
    expect(await orphanedSharedMemory(folder)).toBeNull();
  });
});
