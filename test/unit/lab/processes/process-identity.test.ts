import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { livingProcesses, recordProcess } from '../../../../lab/processes/lab-folder.ts';
import { childrenOf, isSameProcess, signalProcess, startToken } from '../../../../lab/processes/process-identity.ts';

describe('process identity', () => {
  test('names one process by pid and start, and nobody once it is gone', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'peakproof-identity-'));
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const pid = child.pid ?? 0;
    try {
      recordProcess(dir, 'erp', 'worker', pid);
      const token = startToken(pid) ?? '';
      expect(isSameProcess(pid, token)).toBe(true);
      expect(isSameProcess(pid, `${token}0`)).toBe(false);
      expect(childrenOf(process.pid)).toContain(pid);
      expect(livingProcesses(dir)).toEqual([{ pid, token, role: 'erp', name: 'worker' }]);
      child.kill('SIGKILL');
      await once(child, 'exit');
      expect(livingProcesses(dir)).toEqual([]);
      expect(signalProcess(pid, 'SIGTERM')).toBe(false);
    } finally {
      child.kill('SIGKILL');
      rmSync(dir, { recursive: true, force: true });
    }
  });

  test('a reused pid is not the recorded process, and half a line at the end is no process', () => {
    const dir = mkdtempSync(join(tmpdir(), 'peakproof-identity-'));
    try {
      writeFileSync(
        join(dir, 'processes.ndjson'),
        `{"pid":${process.pid},"token":"another boot:1","role":"erp","name":"x"}\n{"pid":${process.pid},"tok`,
      );
      expect(livingProcesses(dir)).toEqual([]);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
