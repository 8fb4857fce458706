import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readLoadWrites } from '../../../src/load/read-load-writes.ts';
import { createSampleParser, splitCsv } from '../../../src/load/samples-csv.ts';
import { createTally, watchLoad } from '../../../src/load/watch-load.ts';
import { collect } from '../../integration/load-fixtures.ts';

const HEADER = 'metric_name,timestamp,metric_value,error_code,scenario,service,status,extra_tags,metadata\n';

interface CallSample {
  readonly endedAt?: number;
  readonly ms?: number;
  readonly model?: string;
  readonly effect?: string;
  readonly outcome?: string;
  readonly keys?: string;
}

const aCall = ({
  endedAt = 2_000,
  ms = 100,
  model = 'sale.order',
  effect = 'create',
  outcome = 'ok',
  keys = 'K1',
}: CallSample = {}) =>
  `odoo_call,${endedAt}000,${ms}.000000,,sale,order-capture,,outcome=${outcome}&model=${model}&effect=${effect}&fault=&step=x,${keys === '' ? '' : `keys=${keys}`}\n`;

let dir: string;
let file: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'peakproof-unit-'));
  file = join(dir, 'samples.csv');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const writesOf = async (...rows: string[]) => {
  await writeFile(file, HEADER + rows.join(''));
  return collect(readLoadWrites(dir));
};

describe('writes of a load', () => {
  test('are one a key, stamped when sent and answered', async () => {
    expect(await writesOf(aCall({ keys: 'A B' }))).toEqual([
      expect.objectContaining({
        row: 'write',
        key: 'A',
        service: 'order-capture',
        model: 'sale.order',
        effect: 'create',
        origin: 'load',
        outcome: 'ok',
        sentAt: 1_900,
        answeredAt: 2_000,
      }),
      expect.objectContaining({ key: 'B' }),
    ]);
  });

  test('leave out what certainly failed, reads, and what has no key', async () => {
    expect(
      await writesOf(aCall({ outcome: 'fail' }), aCall({ effect: '' }), aCall({ keys: '' }), aCall({ model: 'res.partner' })),
    ).toEqual([]);
  });

  test('of a key that was tried again have the best outcome, whichever came first', async () => {
    const unknown = aCall({ outcome: 'unknown', endedAt: 1_000 });
    const ok = aCall({ endedAt: 3_000 });
    for (const rows of [
      [unknown, ok],
      [ok, unknown],
    ]) {
      expect(await writesOf(...rows)).toEqual([expect.objectContaining({ outcome: 'ok', answeredAt: 3_000 })]);
    }
    expect(await writesOf(unknown, aCall({ outcome: 'fail' }))).toEqual([expect.objectContaining({ outcome: 'unknown' })]);
  });

  test('keep the effects of one key apart, and count a reversal to its entry', async () => {
    const writes = await writesOf(
      aCall(),
      aCall({ effect: 'confirm' }),
      aCall({ model: 'account.move.reversal', effect: 'reverse', keys: 'E1' }),
    );
    expect(writes.map(({ effect, model }) => `${effect} ${model}`)).toEqual([
      'create sale.order',
      'confirm sale.order',
      'reverse account.move',
    ]);
  });

  test('a cut last line is not read, a damaged line elsewhere is an error that shows it', async () => {
    expect(await writesOf(aCall(), 'odoo_call,17953664')).toHaveLength(1);
    await expect(writesOf('odoo_call,17953664\n', aCall())).rejects.toMatchObject({
      code: 'ERR_RUN_FOLDER',
      message: expect.stringContaining('17953664'),
    });
  });

  test('of no file, an empty file, and a file of something else', async () => {
    expect(await collect(readLoadWrites(join(dir, 'nowhere')))).toEqual([]);
    await writeFile(file, '');
    expect(await collect(readLoadWrites(dir))).toEqual([]);
    await writeFile(file, 'a,b,c\n1,2,3\n');
    await expect(collect(readLoadWrites(dir))).rejects.toMatchObject({ code: 'ERR_RUN_FOLDER' });
  });
});

describe('a row', () => {
  test('with quotes is split as CSV says', () => {
    expect(splitCsv('a,"b,""c""",,d')).toEqual(['a', 'b,"c"', '', 'd']);
    expect(splitCsv('"x"')).toEqual(['x']);
    expect(splitCsv('a,"cut')).toEqual(['a', 'cut']);
  });

  test('takes tags from columns and extra tags alike, by the names of the header', () => {
    const parse = createSampleParser('metric_name,timestamp,metric_value,check,scenario,extra_tags,metadata', 'f');
    const row = parse('odoo_call,1795366409660123,1.500000,,sale,step=a&outcome=ok,"x=1&keys=K1 K2"');
    expect(row).toEqual({
      metric: 'odoo_call',
      endedAt: 1_795_366_409_660.123,
      value: 1.5,
      tags: {
        metric_name: 'odoo_call',
        timestamp: '1795366409660123',
        metric_value: '1.500000',
        scenario: 'sale',
        step: 'a',
        outcome: 'ok',
      },
      keys: 'K1 K2',
    });
  });
});

describe('live figures', () => {
  const started = 'journey_started,1000000,1.000000,,sale,order-capture,,journey=checkout,\n';
  const ended = (outcome: string) =>
    `journey_duration,1000000,5.000000,,sale,order-capture,,outcome=${outcome}&journey=checkout,\n`;
  const dropped = 'dropped_iterations,1000000,1.000000,,sale,,,,\n';

  test('grow with the file, across lines that are written in pieces', async () => {
    const tally = createTally(file);
    await tally.readOn();
    expect(tally.figures()).toEqual({ scheduled: 0, dropped: 0, ok: 0, errors: 0 });
    await writeFile(file, HEADER + started + started + dropped + ended('ok').slice(0, 20));
    await tally.readOn();
    expect(tally.figures()).toEqual({ scheduled: 3, dropped: 1, ok: 0, errors: 0 });
    await appendFile(file, `${ended('ok').slice(20)}${ended('unknown')}http_reqs,x\n`);
    await tally.readOn();
    expect(tally.figures()).toEqual({ scheduled: 3, dropped: 1, ok: 1, errors: 1 });
  });

  test('of a load that wrote nothing are zeros, and of rubbish an error when it is stopped', async () => {
    await watchLoad(join(dir, 'nowhere')).stop();
    await writeFile(file, 'rubbish\n');
    await expect(watchLoad(dir).stop()).rejects.toMatchObject({ code: 'ERR_RUN_FOLDER' });
  });
});
