// Draws the timeline of report.html. Plain browser code, embedded as it is and checked by tsc (tsconfig.json beside it).
// The figures come from the page itself; nothing is fetched. Without it the page still has its lanes and tables.

/**
 * @typedef {{ name: string, values: (number | null)[] }} PageSeries
 * @typedef {{ id: string, title: string, unit: string, scale: 'linear' | 'log' | 'share', stepped: boolean, series: PageSeries[] }} PagePanel
 * @typedef {{ fault: string, tag: string, from: number, to: number, zoomTo: number, proven: boolean }} PageFault
 * @typedef {{ phase: string, from: number, to: number }} PagePhase
 * @typedef {{ startAt: number, stepSeconds: number, points: number, panels: PagePanel[], phases: PagePhase[],
 *   faults: PageFault[], loadSteps: number[] }} PageData
 * @typedef {{ panel: PagePanel, plot: HTMLElement, figure: HTMLElement, outputs: HTMLOutputElement[], chart: uPlot }} Drawn
 */

(() => {
  const { withUnit, clock, gapOf, valueAt, lonely } = pageFigures;
  const { rangeOf, valueAxis, timeAxis } = pageAxes(() => colours);
  const RIGHT_PAD = 14;
  const PRINT_WIDTH = 690; // A4 less its margins, in CSS pixels
  const SERIES_COLOURS = 8;
  /** Dashes repeat slower than colours: two lines of one chart never share both. */
  const DASHES = [[], [], [6, 3], [2, 3], [9, 3, 2, 3], [4, 4], [1, 2], [10, 4]];

  const root = document.documentElement;
  /** @type {PageData} */
  const data = JSON.parse(element('page-data').textContent ?? '{}');
  const times = Array.from({ length: data.points }, (_, index) => index * data.stepSeconds);
  const full = { min: 0, max: Math.max(data.stepSeconds, (data.points - 1) * data.stepSeconds) };
  let view = { ...full };
  /** @type {number | null} */
  let cursorIndex = null;
  let colours = readColours();
  /** @type {Drawn[]} */
  const drawn = [];

  /** @param {string} id */
  function element(id) {
    const found = document.getElementById(id);
    if (found === null) throw new Error(`the page has no #${id}`);
    return found;
  }

  function readColours() {
    const style = getComputedStyle(root);
    /** @param {string} name */
    const read = (name) => style.getPropertyValue(name).trim();
    return {
      text: read('--muted'),
      grid: read('--grid'),
      phase: read('--phase-shade'),
      fault: read('--fault-shade'),
      faultEdge: read('--fault'),
      unproven: read('--unproven-shade'),
      step: read('--step'),
      series: Array.from({ length: SERIES_COLOURS }, (_, index) => read(`--s${index}`)),
    };
  }

  // ---- charts ----------------------------------------------------------------------------------------------------------

  /** Bands of phases and faults behind the lines. @param {uPlot} chart */
  function drawBands(chart) {
    const { ctx, bbox } = chart;
    /** @param {number} seconds */
    const x = (seconds) => chart.valToPos(seconds, 'x', true);
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    data.phases.forEach((phase, index) => {
      if (index % 2 === 0) return;
      ctx.fillStyle = colours.phase;
      ctx.fillRect(x(phase.from), bbox.top, x(phase.to) - x(phase.from), bbox.height);
    });
    const ratio = devicePixelRatio;
    ctx.font = `${10 * ratio}px system-ui, sans-serif`;
    ctx.textBaseline = 'top';
    ctx.textAlign = 'left';
    for (const fault of data.faults) {
      const left = x(fault.from);
      ctx.fillStyle = fault.proven ? colours.fault : colours.unproven;
      ctx.fillRect(left, bbox.top, Math.max(ratio, x(fault.to) - left), bbox.height);
      ctx.fillStyle = colours.faultEdge;
      ctx.fillRect(left, bbox.top, ratio, bbox.height);
      ctx.fillText(fault.proven ? fault.tag : `${fault.tag}?`, left + 3 * ratio, bbox.top + 2 * ratio);
    }
    ctx.strokeStyle = colours.step;
    ctx.lineWidth = ratio;
    ctx.setLineDash([4 * ratio, 3 * ratio]);
    for (const at of data.loadSteps) {
      ctx.beginPath();
      ctx.moveTo(x(at), bbox.top);
      ctx.lineTo(x(at), bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }

  /** @param {PagePanel} panel */
  function heightOf(panel) {
    if (root.dataset.print !== undefined) return 92;
    return Math.min(230, Math.max(panel.scale === 'log' ? 168 : 118, 36 + 21 * panel.series.length));
  }

  /** @param {HTMLElement} plot */
  function widthOf(plot) {
    return root.dataset.print !== undefined ? PRINT_WIDTH : Math.max(180, plot.clientWidth);
  }

  /** @param {PagePanel} panel @param {HTMLElement} plot @param {HTMLOutputElement[]} outputs */
  function createChart(panel, plot, outputs) {
    const stepped = uPlot.paths.stepped?.({ align: 1 });
    const positive = panel.scale === 'log';
    const values = panel.series.map((one) =>
      one.values.map((value) => (positive && value !== null && value <= 0 ? null : value)),
    );
    /** @type {uPlot.Options} */
    const options = {
      width: widthOf(plot),
      height: heightOf(panel),
      padding: [6, RIGHT_PAD, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: false, range: () => [view.min, view.max] },
        y: panel.scale === 'log' ? { distr: 3, range: rangeOf(panel) } : { range: rangeOf(panel) },
      },
      axes: [timeAxis(), valueAxis(panel)],
      series: [
        {},
        ...panel.series.map((_one, index) => ({
          stroke: () => colours.series[index % SERIES_COLOURS] ?? colours.text,
          width: 1.5,
          dash: DASHES[index % DASHES.length] ?? [],
          spanGaps: false,
          gaps: (
            /** @type {uPlot} */ chart,
            /** @type {number} */ _series,
            /** @type {number} */ _from,
            /** @type {number} */ _to,
            /** @type {[number, number][]} */ nullGaps,
          ) => {
            const reach = chart.valToPos(gapOf(values[index] ?? []) * data.stepSeconds, 'x', true) - chart.valToPos(0, 'x', true);
            return nullGaps.filter(([from, to]) => to - from >= reach);
          },
          points: {
            show: true,
            size: 4,
            fill: () => colours.series[index % SERIES_COLOURS] ?? colours.text,
            filter: () => lonely(values[index] ?? []),
          },
          ...(panel.stepped && stepped !== undefined ? { paths: stepped } : {}),
        })),
      ],
      cursor: {
        y: false,
        drag: { x: true, y: false, setScale: false },
        sync: { key: 'run', setSeries: false },
        bind: {
          dblclick: () => () => {
            zoom(full);
            return null;
          },
        },
      },
      hooks: {
        drawClear: [drawBands],
        setCursor: [(chart) => showValues(panel, chart.cursor.idx ?? null, chart.cursor.left ?? -1, outputs)],
        setSelect: [
          (chart) => {
            const { left, width } = chart.select;
            if (width < 4) return;
            zoom({ min: chart.posToVal(left, 'x'), max: chart.posToVal(left + width, 'x') });
            chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
      },
    };
    return new uPlot(options, [times, ...values], plot);
  }

  /** @param {PagePanel} panel @param {number | null} index @param {number} left @param {HTMLOutputElement[]} outputs */
  function showValues(panel, index, left, outputs) {
    const shown = index !== null && left >= 0 ? index : null;
    panel.series.forEach((one, place) => {
      const output = outputs[place];
      if (output !== undefined) output.textContent = shown === null ? '' : withUnit(valueAt(one.values, shown), panel.unit);
    });
    if (shown !== cursorIndex) {
      cursorIndex = shown;
      element('clock').textContent = shown === null ? '' : momentText(shown);
    }
  }

  /** @param {number} index */
  function momentText(index) {
    const seconds = times[index] ?? 0;
    const phase = data.phases.find((one) => seconds >= one.from && seconds < one.to);
    const faults = data.faults.filter((one) => seconds >= one.from && seconds <= one.to).map((one) => `${one.tag} ${one.fault}`);
    const utc = new Date(data.startAt + seconds * 1000).toISOString().slice(11, 19);
    return [`${clock(seconds)} (${utc} UTC)`, phase?.phase, ...faults].filter(Boolean).join(', ');
  }

  // ---- zoom ------------------------------------------------------------------------------------------------------------

  /** @param {{ min: number, max: number }} wanted */
  function zoom(wanted) {
    const span = Math.min(full.max - full.min, Math.max(wanted.max - wanted.min, data.stepSeconds * 4));
    const min = Math.min(Math.max(full.min, wanted.min), full.max - span);
    view = { min, max: min + span };
    for (const { chart } of drawn) chart.setScale('x', view);
    moveLanes();
    const whole = view.min === full.min && view.max === full.max;
    document.querySelector('[data-zoom=""]')?.setAttribute('aria-pressed', String(whole));
  }

  /** The lanes are SVG in percent of the whole run; this moves their marks to the view. */
  function moveLanes() {
    const span = view.max - view.min;
    /** @param {number} seconds */
    const percent = (seconds) => ((seconds - view.min) / span) * 100;
    for (const mark of document.querySelectorAll('.lane-plot [data-from]')) {
      const from = Number(mark.getAttribute('data-from'));
      const to = mark.getAttribute('data-to');
      if (to === null) {
        mark.setAttribute('x', `${percent(from)}%`);
        continue;
      }
      const left = Math.min(100, Math.max(0, percent(from)));
      const right = Math.min(100, Math.max(0, percent(Number(to))));
      mark.setAttribute('x', `${left}%`);
      mark.setAttribute('width', `${right - left}%`);
    }
  }

  // ---- keyboard --------------------------------------------------------------------------------------------------------

  /** @param {number} index @param {Drawn} [reader] */
  function moveCursor(index, reader) {
    const target = Math.min(data.points - 1, Math.max(0, index));
    const seconds = times[target] ?? 0;
    if (seconds < view.min || seconds > view.max) {
      const span = view.max - view.min;
      zoom({ min: seconds - span / 2, max: seconds + span / 2 });
    }
    for (const { chart } of drawn) chart.setCursor({ left: chart.valToPos(seconds, 'x'), top: 0 }, true);
    if (reader !== undefined) {
      const values = reader.panel.series.map((one) => `${one.name} ${withUnit(valueAt(one.values, target), reader.panel.unit)}`);
      element('readout').textContent = `${momentText(target)}. ${reader.panel.title}: ${values.join(', ')}`;
    }
  }

  function hideCursor() {
    for (const { chart } of drawn) chart.setCursor({ left: -10, top: -10 }, true);
  }

  /** @param {KeyboardEvent} event @param {Drawn} one */
  function onKey(event, one) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const stride = event.shiftKey ? 10 : 1;
    const first = Math.ceil(view.min / data.stepSeconds);
    const last = Math.floor(view.max / data.stepSeconds);
    const at = cursorIndex ?? first - 1;
    const middle = cursorIndex === null ? (view.min + view.max) / 2 : (times[cursorIndex] ?? 0);
    const half = (view.max - view.min) / 2;
    switch (event.key) {
      case 'ArrowRight':
        moveCursor(at + stride, one);
        break;
      case 'ArrowLeft':
        moveCursor((cursorIndex ?? last + 1) - stride, one);
        break;
      case 'PageDown':
        moveCursor(at + 10, one);
        break;
      case 'PageUp':
        moveCursor((cursorIndex ?? last + 1) - 10, one);
        break;
      case 'Home':
        moveCursor(first, one);
        break;
      case 'End':
        moveCursor(last, one);
        break;
      case '+':
      case '=':
        zoom({ min: middle - half / 2, max: middle + half / 2 });
        break;
      case '-':
        zoom({ min: middle - half * 2, max: middle + half * 2 });
        break;
      case 'Escape':
        zoom(full);
        hideCursor();
        break;
      default:
        return;
    }
    event.preventDefault();
  }

  // ---- set-up ----------------------------------------------------------------------------------------------------------

  function redrawAll() {
    colours = readColours();
    for (const { chart, panel, plot } of drawn) {
      chart.setSize({ width: widthOf(plot), height: heightOf(panel) });
      chart.redraw(true, true);
    }
  }

  function draw() {
    for (const panel of data.panels) {
      const plot = document.querySelector(`[data-panel="${panel.id}"]`);
      const figure = document.getElementById(`panel-${panel.id}`);
      if (!(plot instanceof HTMLElement) || figure === null) continue;
      const keys = [...figure.querySelectorAll('button.key')];
      const outputs = [...figure.querySelectorAll('output')];
      const one = { panel, plot, figure, outputs, chart: createChart(panel, plot, outputs) };
      drawn.push(one);
      plot.addEventListener('keydown', (event) => onKey(event, one));
      plot.addEventListener('blur', hideCursor);
      keys.forEach((key, index) => {
        key.addEventListener('click', () => {
          const show = key.getAttribute('aria-pressed') !== 'true';
          key.setAttribute('aria-pressed', String(show));
          one.chart.setSeries(index + 1, { show });
        });
      });
    }
  }

  function openForPaper() {
    root.dataset.print = '';
    for (const details of document.querySelectorAll('details:not(.data-tables):not([open])')) {
      details.setAttribute('open', '');
      details.setAttribute('data-opened', '');
    }
    zoom(full);
    redrawAll();
  }

  function closeAfterPaper() {
    delete root.dataset.print;
    for (const details of document.querySelectorAll('details[data-opened]')) {
      details.removeAttribute('open');
      details.removeAttribute('data-opened');
    }
    redrawAll();
  }

  if (data.points > 1) {
    draw();
    element('toolbar').hidden = false;
    for (const button of document.querySelectorAll('[data-zoom]')) {
      button.addEventListener('click', () => {
        const fault = data.faults.find((one) => one.fault === button.getAttribute('data-zoom'));
        if (fault === undefined) return zoom(full);
        const pad = Math.max(data.stepSeconds * 5, (fault.zoomTo - fault.from) * 0.25);
        zoom({ min: fault.from - pad, max: fault.zoomTo + pad });
      });
    }
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redrawAll);
    addEventListener('beforeprint', openForPaper);
    addEventListener('afterprint', closeAfterPaper);
    let width = innerWidth;
    addEventListener('resize', () => {
      if (innerWidth === width) return;
      width = innerWidth;
      redrawAll();
    });
    root.dataset.drawn = String(drawn.length);
  }
})();
