/** Programs of a plan: no shell, an end for every one of them, and their own words in every error. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createCommandPort } from '../../src/clients/command.ts';
import { packageRoot } from '../../src/clients/package-root.ts';

const program = (name: string): string => join(packageRoot(), 'test/fixtures/chaos-programs', name);
const commands = createCommandPort();

describe('createCommandPort', () => {
  test('gives exit code and output of both streams, and passes arguments as they are', async () => {
    const argv = [process.execPath, program('prints-and-fails.mjs'), '$HOME; rm -rf x', '*'];
    const result = await commands.run(argv, { timeoutMs: 20_000, env: { PEAKPROOF_FAULT: 'move' } });
    expect(result.exitCode).toBe(7);
    expect(result.output).toContain('fault move, arguments ["$HOME; rm -rf x","*"]');
    expect(result.output).toContain('the standby is not there');
  });

  test('a program that is not there is an error that names it', async () => {
    const missing = commands.run(['peakproof-no-such-program', 'x'], { timeoutMs: 5_000 });
    await expect(missing).rejects.toMatchObject({
      code: 'ERR_COMMAND',
      message: expect.stringContaining('peakproof-no-such-program'),
    });
    await expect(commands.run([], { timeoutMs: 5_000 })).rejects.toMatchObject({ code: 'ERR_COMMAND' });
  });

  test('a program that does not end is stopped, by force when it does not listen', async () => {
    const startedAt = performance.now();
    const running = commands.run([process.execPath, program('ignores-sigterm.mjs')], { timeoutMs: 1_500 });
    await expect(running).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
      message: expect.stringMatching(/did not end within 1500 ms/),
    });
    expect(performance.now() - startedAt).toBeLessThan(15_000);
  });

  test('ends with the reason of the signal', async () => {
    const stop = new AbortController();
    const running = commands.run([process.execPath, '-e', 'setInterval(() => {}, 1000)'], {
      timeoutMs: 60_000,
      signal: stop.signal,
    });
    setTimeout(() => stop.abort('SIGINT'), 300);
    await expect(running).rejects.toBe('SIGINT');
  });
});
