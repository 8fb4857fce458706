/** What crosses the RPC border. `null` is Python's None: XML-RPC cannot carry it in an answer. */
export type Value = null | boolean | number | string | PyFloat | readonly Value[] | { readonly [key: string]: Value };
export type Vals = Readonly<Record<string, Value>>;

/** A Python float: `10.0` must leave as `<double>10.0</double>`, which a JavaScript number alone cannot tell from the int 10. */
export class PyFloat {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
  toJSON(): number {
    return this.value;
  }
}

export function isDict(value: unknown): value is Vals {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof PyFloat);
}

/** Python's repr, as far as messages need it. */
export function repr(value: Value | undefined): string {
  if (value === null || value === undefined) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'string') return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  if (typeof value === 'number') return String(value);
  if (value instanceof PyFloat) return Number.isInteger(value.value) ? `${value.value}.0` : String(value.value);
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`;
  return `{${Object.entries(value)
    .map(([key, item]) => `${repr(key)}: ${repr(item)}`)
    .join(', ')}}`;
}

export function asNumber(value: Value | undefined, fallback = 0): number {
  if (value instanceof PyFloat) return value.value;
  return typeof value === 'number' ? value : fallback;
}

/** Ids out of `7`, `[7, 8]`; anything else is what Python would stumble over later. */
export function asIds(value: Value | undefined): number[] {
  if (typeof value === 'number') return [value];
  if (Array.isArray(value)) return value.filter((item): item is number => typeof item === 'number');
  return [];
}
