// Numbers as the charts show them, and series with holes in them. Pure; timeline.js uses it.

// biome-ignore lint/correctness/noUnusedVariables: the scripts of the page are joined, and timeline.js uses it
const pageFigures = (() => {
  // ---- numbers ---------------------------------------------------------------------------------------------------------

  /** @param {number} value @param {number} [digits] */
  function number(value, digits = 3) {
    const size = Math.abs(value);
    if (size >= 10 ** digits || Number.isInteger(value)) return Math.round(value).toLocaleString('en-US');
    const magnitude = size === 0 ? 0 : Math.floor(Math.log10(size));
    return String(Number(value.toFixed(Math.min(6, Math.max(0, digits - 1 - magnitude)))));
  }

  /** @param {number | null | undefined} value @param {string} unit */
  function withUnit(value, unit) {
    if (value === null || value === undefined) return '–';
    if (unit === 'ms') return Math.abs(value) < 1000 ? `${number(value)} ms` : `${number(value / 1000)} s`;
    if (unit === 'ratio') return `${number(value * 100)} %`;
    if (unit === 'bytes') {
      const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
      let power = 0;
      while (Math.abs(value) / 1024 ** power >= 1024 && power < units.length - 1) power++;
      return `${number(value / 1024 ** power)} ${units[power]}`;
    }
    if (unit === '/s' || unit === 'per second') return `${number(value)}/s`;
    return number(value);
  }

  /** @param {number} seconds */
  function clock(seconds) {
    const whole = Math.floor(seconds);
    const minutes = Math.floor(whole / 60);
    const rest = String(whole % 60).padStart(2, '0');
    const text =
      minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${rest}`;
    return Number.isInteger(seconds) ? text : `${text}${(seconds - whole).toFixed(1).slice(1)}`;
  }

  // ---- sparse series -------------------------------------------------------------------------------------------------

  /**
   * Observers look less often than the axis steps, so most of their points are empty. Two looks in a row are joined; a look
   * that did not come is a gap: the distance in points from which on nothing is joined.
   * @param {(number | null)[]} values
   */
  function gapOf(values) {
    /** @type {number[]} */
    const distances = [];
    let last = -1;
    values.forEach((value, index) => {
      if (value === null) return;
      if (last >= 0) distances.push(index - last);
      last = index;
    });
    distances.sort((a, b) => a - b);
    return Math.max(1, distances[Math.floor(distances.length / 2)] ?? 1) * 2.5;
  }

  /** The value at a point, or the last look before it that still holds. @param {(number | null)[]} values @param {number} index */
  function valueAt(values, index) {
    const reach = gapOf(values);
    for (let at = index; at >= 0 && index - at < reach; at--) {
      const value = values[at];
      if (value !== null && value !== undefined) return value;
    }
    return null;
  }

  /** Points with nothing to be joined to: drawn as dots, or they would not be seen. @param {(number | null)[]} values */
  function lonely(values) {
    const reach = gapOf(values);
    const seen = values.flatMap((value, index) => (value === null ? [] : [index]));
    return seen.filter(
      (at, place) => at - (seen[place - 1] ?? -Infinity) >= reach && (seen[place + 1] ?? Infinity) - at >= reach,
    );
  }

  return { withUnit, clock, gapOf, valueAt, lonely };
})();
