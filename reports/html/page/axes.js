// Scales and axes of the charts. Colours are asked for at each drawing, because the page's theme may change.

/** @typedef {{ text: string, grid: string }} AxisColours */

/** @param {() => AxisColours} colours */
// biome-ignore lint/correctness/noUnusedVariables: the scripts of the page are joined, and timeline.js uses it
const pageAxes = (colours) => {
  const { withUnit, clock } = pageFigures;
  const AXIS_WIDTH = 58; // --axis of the style sheet: lanes and charts share it

  /** @param {PagePanel} panel @returns {uPlot.Scale.Range} */
  function rangeOf(panel) {
    return (_chart, min, max) => {
      if (panel.scale === 'share') return [0, 1.05];
      if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max))
        return panel.scale === 'log' ? [1, 1000] : [0, 1];
      if (panel.scale === 'log') return [min / 1.4, max * 1.4];
      const top = panel.stepped ? max + 0.6 : max * 1.1;
      return [Math.min(0, min), top > 0 ? top : 1];
    };
  }

  /** @param {PagePanel} panel @returns {uPlot.Axis} */
  function valueAxis(panel) {
    /** @type {uPlot.Axis} */
    const axis = {
      size: AXIS_WIDTH,
      gap: 4,
      font: '11px system-ui, sans-serif',
      stroke: () => colours().text,
      grid: { stroke: () => colours().grid, width: 1 },
      ticks: { show: false },
      space: 26,
      values: (_chart, splits) => splits.map((value) => (value === null ? null : withUnit(value, panel.unit))),
    };
    if (panel.scale === 'share') axis.splits = [0, 0.5, 1];
    if (panel.scale === 'log') {
      axis.splits = (_chart, _index, min, max) => decades(min, max);
      axis.filter = (_chart, splits) => splits;
    }
    if (panel.unit === 'bytes') axis.incrs = Array.from({ length: 44 }, (_, power) => 2 ** power);
    if (panel.stepped) axis.incrs = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
    return axis;
  }

  /** Round values on a logarithmic scale, thinned until they fit. @param {number} min @param {number} max */
  function decades(min, max) {
    const steps = max / min > 1000 ? [1] : max / min > 30 ? [1, 3] : [1, 2, 5];
    const found = [];
    for (let power = Math.floor(Math.log10(min)); power <= Math.ceil(Math.log10(max)); power++) {
      for (const step of steps) {
        const value = step * 10 ** power;
        if (value >= min && value <= max) found.push(value);
      }
    }
    return found;
  }

  /** @returns {uPlot.Axis} */
  function timeAxis() {
    return {
      size: 20,
      gap: 2,
      font: '11px system-ui, sans-serif',
      stroke: () => colours().text,
      grid: { stroke: () => colours().grid, width: 1 },
      ticks: { show: false },
      space: 60,
      incrs: [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200],
      values: (_chart, splits) => splits.map((value) => clock(Number(value.toFixed(1)))),
    };
  }

  return { rangeOf, valueAxis, timeAxis };
};
