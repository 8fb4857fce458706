/** k6's CSV, read as it is written: rows of chosen metrics, by the names of the header. */
import { createReadStream } from 'node:fs';
import { HarnessError } from '../errors.ts';

export interface SampleRow {
  readonly metric: string;
  /** End of what was measured, epoch ms. */
  readonly endedAt: number;
  readonly value: number;
  /** Columns and extra tags alike. */
  readonly tags: Readonly<Record<string, string>>;
  /** Business keys, '' when there are none. */
  readonly keys: string;
}

export type SampleParser = (line: string) => SampleRow;

const REQUIRED = ['metric_name', 'timestamp', 'metric_value', 'extra_tags', 'metadata'] as const;

/** @throws HarnessError ERR_RUN_FOLDER when the header, or later a line, is not k6's. */
export function createSampleParser(header: string, file: string): SampleParser {
  const names = splitCsv(header);
  for (const name of REQUIRED) {
    if (!names.includes(name)) {
      throw new HarnessError('ERR_RUN_FOLDER', `${file}: the header lacks the column "${name}"`, {
        hint: 'is it a CSV output of k6?',
      });
    }
  }
  const at = (name: (typeof REQUIRED)[number]) => names.indexOf(name);
  const [metricAt, timeAt, valueAt, tagsAt, metadataAt] = [
    at('metric_name'),
    at('timestamp'),
    at('metric_value'),
    at('extra_tags'),
    at('metadata'),
  ];
  return (line) => {
    const fields = splitCsv(line);
    const endedAtMicro = Number(fields[timeAt]);
    const value = Number(fields[valueAt]);
    if (fields.length !== names.length || !Number.isFinite(endedAtMicro) || !Number.isFinite(value)) {
      throw new HarnessError('ERR_RUN_FOLDER', `${file}: damaged line "${line.slice(0, 120)}"`);
    }
    const tags: Record<string, string> = {};
    names.forEach((name, index) => {
      const field = fields[index];
      if (field !== undefined && field !== '' && index !== tagsAt && index !== metadataAt) tags[name] = field;
    });
    for (const pair of (fields[tagsAt] ?? '').split('&')) {
      const equals = pair.indexOf('=');
      if (equals > 0) tags[pair.slice(0, equals)] = pair.slice(equals + 1);
    }
    return { metric: fields[metricAt] ?? '', endedAt: endedAtMicro / 1_000, value, tags, keys: keysOf(fields[metadataAt] ?? '') };
  };
}

/** Metadata is `name=value` pairs joined by `&`; our keys hold neither character. */
function keysOf(metadata: string): string {
  return (
    metadata
      .split('&')
      .find((pair) => pair.startsWith('keys='))
      ?.slice(5) ?? ''
  );
}

/** Fields of one line; a quoted one may hold commas and doubled quotes. */
export function splitCsv(line: string): string[] {
  if (!line.includes('"')) return line.split(',');
  const fields: string[] = [];
  for (let at = 0; at <= line.length; ) {
    if (line[at] !== '"') {
      const comma = line.indexOf(',', at);
      const end = comma < 0 ? line.length : comma;
      fields.push(line.slice(at, end));
      at = end + 1;
      continue;
    }
    let end = line.indexOf('"', at + 1);
    while (end >= 0 && line[end + 1] === '"') end = line.indexOf('"', end + 2);
    if (end < 0) end = line.length;
    fields.push(line.slice(at + 1, end).replaceAll('""', '"'));
    at = end + 2;
  }
  return fields;
}

/** Whole lines only: what a killed k6 cut off at the end is not given. */
export async function* readLines(file: string): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of createReadStream(file, { encoding: 'utf8', highWaterMark: 1 << 20 })) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

/** Rows whose metric is `metric`, in the order of the file. An absent or empty file has none. */
export async function* readSamples(file: string, metric: string): AsyncGenerator<SampleRow> {
  let parse: SampleParser | undefined;
  try {
    for await (const line of readLines(file)) {
      if (parse === undefined) parse = createSampleParser(line, file);
      else if (line.startsWith(metric) && line[metric.length] === ',') yield parse(line);
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  }
}
