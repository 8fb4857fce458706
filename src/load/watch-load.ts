/** Live figures of a load, from the samples written so far. */
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { K6_METRICS } from '../model/run-records.ts';
import { createSampleParser, type SampleParser } from './samples-csv.ts';

export interface LoadFigures {
  /** Iterations started or dropped. */
  readonly scheduled: number;
  readonly dropped: number;
  /** Finished journeys by outcome. */
  readonly ok: number;
  readonly errors: number;
}

export interface LoadWatch {
  current(): LoadFigures;
  stop(): Promise<void>;
}

/** k6 flushes its CSV once a second. */
const POLL_MS = 1_000;

/** Follows `samples.csv` of a runner, whether it is there already or not. An unreadable file shows in `stop`, never in between. */
export function watchLoad(runnerDir: string): LoadWatch {
  const tally = createTally(join(runnerDir, 'samples.csv'));
  let failure: unknown;
  let running: Promise<void> | undefined;
  const look = () => {
    running ??= tally
      .readOn()
      .catch((error: unknown) => {
        failure ??= error;
        clearInterval(timer);
      })
      .finally(() => {
        running = undefined;
      });
    return running;
  };
  const timer = setInterval(look, POLL_MS);
  timer.unref();
  return {
    current: tally.figures,
    async stop() {
      clearInterval(timer);
      await running;
      if (failure === undefined) await look();
      if (failure !== undefined) throw failure;
    },
  };
}

export function createTally(file: string): { figures(): LoadFigures; readOn(): Promise<void> } {
  const counts = { scheduled: 0, dropped: 0, ok: 0, errors: 0 };
  let offset = 0;
  let rest = Buffer.alloc(0);
  let parse: SampleParser | undefined;

  const see = (line: string) => {
    if (parse === undefined) {
      parse = createSampleParser(line, file);
    } else if (line.startsWith(`${K6_METRICS.started},`)) {
      counts.scheduled += 1;
    } else if (line.startsWith('dropped_iterations,')) {
      const { value } = parse(line);
      counts.scheduled += value;
      counts.dropped += value;
    } else if (line.startsWith(`${K6_METRICS.journey},`)) {
      if (parse(line).tags.outcome === 'ok') counts.ok += 1;
      else counts.errors += 1;
    }
  };

  return {
    figures: () => ({ ...counts }),
    async readOn() {
      const handle = await openIfThere(file);
      if (handle === null) return;
      try {
        const chunk = Buffer.allocUnsafe(1 << 20);
        for (;;) {
          const { bytesRead } = await handle.read(chunk, 0, chunk.length, offset);
          if (bytesRead === 0) return;
          offset += bytesRead;
          // Bytes, not text: a chunk may end inside a character.
          const bytes = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
          const end = bytes.lastIndexOf(10);
          rest = bytes.subarray(end + 1);
          if (end >= 0) bytes.toString('utf8', 0, end).split('\n').forEach(see);
        }
      } finally {
        await handle.close();
      }
    },
  };
}

async function openIfThere(file: string): Promise<FileHandle | null> {
  try {
    return await open(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
