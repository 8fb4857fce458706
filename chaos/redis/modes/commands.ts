import { infoNumber } from '../../../src/clients/redis-info.ts';
import { type FloodMode, pause } from '../flood-mode.ts';

const TICK_MS = 50;
const KEYS = 1_000;
/** Behind by more than this, the flood does not catch up: the rate is an upper bound. */
const MAX_BURST_SECONDS = 0.2;
const MIN_SECONDS = 1;
/** Share of the wanted rate that the server must have taken, and share of ours that its own counter must show. */
const MIN_RATE_RATIO = 0.5;
const MIN_COUNTED_RATIO = 0.9;

/** Sends cheap reads and writes on keys of its own at a bounded rate. */
export const commandsMode: FloodMode = {
  async describe(spec, redis, info) {
    return {
      target: `commands of Redis ${redis.label}, now at ${infoNumber(info, 'instantaneous_ops_per_sec')} per second`,
      blastRadius: `at most ${spec.commandsPerSecond} commands per second on ${KEYS} small keys of its own, on one connection`,
      undo: 'remove the keys of its own prefix',
      prediction: 'Redis runs commands one after the other: everybody waits longer, nobody gets an error',
    };
  },

  async run(run) {
    const { spec, prefix, progress, clock } = run;
    const flood = await run.admin.connect({ signal: run.signal });
    const startedAt = clock.monotonic();
    let due = 0;
    let last = startedAt;
    try {
      await flood.command('CLIENT', ['SETNAME', run.connectionName]);
      let going = true;
      while (going) {
        const now = clock.monotonic();
        due = Math.min(due + ((now - last) / 1_000) * spec.commandsPerSecond, spec.commandsPerSecond * MAX_BURST_SECONDS);
        last = now;
        const count = Math.floor(due);
        if (count > 0) {
          due -= count;
          await flood.pipeline(Array.from({ length: count }, (_, at) => toCommand(prefix, progress.sent + at)));
          progress.sent += count;
          run.begin();
        }
        going = await pause(run, startedAt, TICK_MS);
      }
    } finally {
      await flood.close();
    }
    const seconds = (clock.monotonic() - startedAt) / 1_000;
    return `${progress.sent} commands sent in ${seconds.toFixed(1)} s, ${Math.round(progress.sent / seconds)} per second`;
  },

  judge({ spec, before, now, progress, elapsedMs }) {
    const counted = infoNumber(now, 'total_commands_processed') - infoNumber(before, 'total_commands_processed');
    const seconds = elapsedMs / 1_000;
    const wanted = spec.commandsPerSecond * seconds;
    const proven =
      (seconds >= MIN_SECONDS || progress.ended) &&
      progress.sent > 0 &&
      progress.sent >= wanted * MIN_RATE_RATIO &&
      counted >= progress.sent * MIN_COUNTED_RATIO;
    return {
      proven,
      evidence: [
        `total_commands_processed +${counted} in ${seconds.toFixed(1)} s, ${progress.sent} of them from the flood (wanted ${Math.round(wanted)})`,
        `instantaneous_ops_per_sec ${before.instantaneous_ops_per_sec ?? '?'} -> ${now.instantaneous_ops_per_sec ?? '?'}`,
      ],
    };
  },
};

function toCommand(prefix: string, number: number) {
  const key = `${prefix}${number % KEYS}`;
  return number % 2 === 0 ? (['SET', key, number] as const) : (['GET', key] as const);
}
