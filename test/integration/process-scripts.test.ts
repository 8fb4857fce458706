/** The scripts that look at and signal a container's processes, run by this machine's own sh. */
import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type ContainerProcess,
  killWithChildren,
  LIST_PROCESSES,
  nameOf,
  parseProcesses,
  parseSignalled,
  signalProcesses,
} from '../../chaos/postgres/process-table.ts';
import { awaitCondition } from '../../src/clients/await-condition.ts';
import { systemClock } from '../../src/clients/clock.ts';

const run = async ([program = '', ...args]: readonly string[]): Promise<string> =>
  (await promisify(execFile)(program, args)).stdout;
const list = async (): Promise<readonly ContainerProcess[]> => parseProcesses(await run(LIST_PROCESSES));

let parent: ReturnType<typeof spawn> | null = null;
afterEach(() => {
  parent?.kill('SIGKILL');
});

describe.runIf(process.platform === 'linux')('processes of a container, with nothing but sh and tr', () => {
  async function aFamily() {
    const started = spawn('sh', ['-c', 'sleep 321 & sleep 322 & wait'], { stdio: 'ignore' });
    parent = started;
    return awaitCondition('its children', async () => (await list()).filter((one) => one.parent === started.pid), {
      until: (children) => children.length === 2,
      timeoutMs: 10_000,
      clock: systemClock,
    }).then(async (children) => {
      const self = (await list()).find(({ pid }) => pid === started.pid);
      if (self === undefined) throw new Error('it is gone');
      return { self, children };
    });
  }

  test('arguments come one by one, and a stopped process is told as stopped until it goes on', async () => {
    const { self, children } = await aFamily();
    expect(self.argv).toEqual(['sh', '-c', 'sleep 321 & sleep 322 & wait']);
    expect(children.map(({ argv }) => argv.join(' ')).sort()).toEqual(['sleep 321', 'sleep 322']);
    const state = async () => (await list()).find(({ pid }) => pid === self.pid)?.state;
    expect(await run(signalProcesses('STOP', [nameOf(self)]))).toBe(`${self.pid} ok\n`);
    expect(await state()).toBe('T');
    expect(parseSignalled(await run(signalProcesses('CONT', [nameOf(self)])))).toEqual(new Map([[self.pid, 'ok']]));
    expect(await state()).not.toBe('T');
  });

  test('another process that got the same pid is left alone', async () => {
    const { self } = await aFamily();
    expect(await run(signalProcesses('KILL', [`${self.pid}:1`, '4194303:1']))).toBe(`${self.pid} gone\n4194303 gone\n`);
    expect(await run(killWithChildren(`${self.pid}:1`))).toBe(`${self.pid} gone\n`);
    expect((await list()).some(({ pid }) => pid === self.pid)).toBe(true);
  });

  test('a server goes with all its children', async () => {
    const { self, children } = await aFamily();
    expect(await run(killWithChildren(nameOf(self)))).toBe(`${self.pid} ok\n`);
    const pids = new Set([self, ...children].map(nameOf));
    await awaitCondition('all gone', list, {
      until: (seen) => !seen.some((one) => pids.has(nameOf(one)) && one.state !== 'Z'),
      timeoutMs: 5_000,
      clock: systemClock,
    });
  });
});
