/** Numbers and instants as people read them. Locale-free: the same bytes on every machine. */

const KIB = 1024;
const NO_VALUE = '–';

/** A value with its unit: `8.54 s`, `99.2 %`, `48.3 MiB`, `1,204 writes`. `digits`: significant ones. */
export function formatValue(value: number | null | undefined, unit: string, digits = 3): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NO_VALUE;
  switch (unit) {
    case 'ms':
      return formatDuration(value, digits);
    case 's':
      return formatDuration(value * 1000, digits);
    case 'ratio':
      return `${formatNumber(value * 100, digits)} %`;
    case 'bytes':
      return formatBytes(value, digits);
    case '/s':
    case 'per second':
      return `${formatNumber(value, digits)}/s`;
    case '':
    case 'count':
    case 'number':
      return formatNumber(value, digits);
    default:
      return `${formatNumber(value, digits)} ${unitWord(unit, value)}`;
  }
}

/**
 * Two values of one unit, with as many digits as it takes to tell them apart: a miss by a hair must not read
 * "30 s, at most 30 s".
 */
export function formatPair(first: number | null, second: number, unit: string): readonly [string, string] {
  for (let digits = 3; digits <= 9; digits++) {
    const pair = [formatValue(first, unit, digits), formatValue(second, unit, digits)] as const;
    if (first === null || first === second || pair[0] !== pair[1]) return pair;
  }
  return [String(first), String(second)];
}

/** The half-width of an error, in the unit that the value it belongs to is shown in: `± 0.5 s` beside `41.2 s`. */
export function formatError(error: number, unit: string, value: number): string {
  return unit === 'ms' && Math.abs(value) >= 1000 ? `${formatNumber(error / 1000)} s` : formatValue(error, unit);
}

/** A duration of `ms` milliseconds: `850 ms`, `8.54 s`, `2 min 05 s`, `1 h 02 min`. */
export function formatDuration(ms: number, digits = 3): string {
  const size = Math.abs(ms);
  if (size < 1000) return `${formatNumber(ms, digits)} ms`;
  if (size < 120_000 || digits > 3) return `${formatNumber(ms / 1000, Math.max(digits, size >= 99_950 ? 4 : digits))} s`;
  const seconds = Math.round(size / 1000);
  const sign = ms < 0 ? '−' : '';
  if (seconds < 3600) return `${sign}${Math.floor(seconds / 60)} min ${twoDigits(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${sign}${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`;
}

function formatBytes(bytes: number, digits: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let power = 0;
  while (Math.abs(bytes) / KIB ** power >= KIB && power < units.length - 1) power++;
  return `${formatNumber(bytes / KIB ** power, digits)} ${units[power]}`;
}

/** A plain number with `digits` significant ones (whole numbers keep all of theirs) and thousands separators. */
export function formatNumber(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return NO_VALUE;
  const size = Math.abs(value);
  const whole = Number.isInteger(value) || size >= 10 ** digits;
  const text = whole ? size.toFixed(0) : trimZeros(plainPrecision(size, digits));
  const [integer = '0', fraction] = text.split('.');
  const grouped = integer.replace(/\B(?=(\d{3})+$)/g, ',');
  const sign = value < 0 && Number(text) !== 0 ? '−' : '';
  return sign + grouped + (fraction === undefined ? '' : `.${fraction}`);
}

/** `toPrecision` without an exponent, and never more than nine decimals. */
function plainPrecision(size: number, digits: number): string {
  const magnitude = size === 0 ? 0 : Math.floor(Math.log10(size));
  return size.toFixed(Math.min(9, Math.max(0, digits - 1 - magnitude)));
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/0+$/, '').replace(/\.$/, '') : text;
}

/** A distance to a target as a share of it, signed: `+42 %`, `−18 %`. */
export function formatMargin(margin: number | null): string {
  if (margin === null) return NO_VALUE;
  if (margin === 0) return '0 %';
  const percent = margin * 100;
  const digits = Math.abs(percent) >= 10 ? Math.max(2, Math.ceil(Math.log10(Math.abs(percent) + 1))) : 2;
  return `${margin > 0 ? '+' : ''}${formatNumber(percent, digits)} %`;
}

/** `2026-11-27 09:30:05 UTC` of an instant in epoch milliseconds. */
export function formatInstant(at: number): string {
  return `${isoInstant(at).slice(0, 19).replace('T', ' ')} UTC`;
}

/** `09:30:05.120` (UTC) of an instant. */
export function formatClock(at: number): string {
  return isoInstant(at).slice(11, 23);
}

/** Seconds since the run started, signed: `+185.2 s`. */
export function formatSince(at: number, startedAt: number): string {
  const seconds = (at - startedAt) / 1000;
  return `${seconds < 0 ? '−' : '+'}${Math.abs(seconds).toFixed(1)} s`;
}

/** ISO 8601 in UTC. An instant outside what a date can hold (a damaged record) is shown as the epoch. */
export function isoInstant(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? new Date(0).toISOString() : date.toISOString();
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

const SINGULAR: Readonly<Record<string, string>> = {
  writes: 'write',
  violations: 'violation',
  replicas: 'replica',
  cores: 'core',
  clients: 'client',
  keys: 'key',
  servers: 'server',
};

function unitWord(unit: string, value: number): string {
  return Math.abs(value) === 1 ? (SINGULAR[unit] ?? unit) : unit;
}

/** `1 objective`, `3 objectives`. */
export function formatCount(count: number, singular: string, plural = `${singular}s`): string {
  return `${formatNumber(count)} ${count === 1 ? singular : plural}`;
}
