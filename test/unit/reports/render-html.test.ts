import { describe, expect, test } from 'vitest';
import { packLanes } from '../../../reports/html/lanes.ts';
import { panelsOf } from '../../../reports/html/panels.ts';
import { renderHtml } from '../../../reports/html/render-html.ts';
import { loadReportAssets, renderReports } from '../../../reports/index.ts';
import { anEvaluation, anUndoneEvaluation, aTimeline } from '../../builders/an-evaluation.ts';
import { STUB_ASSETS } from './assets.ts';

describe('renderHtml', () => {
  test('is stable', async () => {
    const lines = renderHtml(anEvaluation({ timeline: aTimeline({ points: 4, stepMs: 75_000 }) }), STUB_ASSETS).replaceAll(
      '><',
      '>\n<',
    );
    await expect(lines).toMatchFileSnapshot('../../fixtures/reports/report.html');
  });

  test('what could not be undone comes before the verdict', () => {
    const page = renderHtml(anUndoneEvaluation(), STUB_ASSETS);
    expect(page.indexOf('class="banner undo-open"')).toBeGreaterThan(0);
    expect(page.indexOf('class="banner undo-open"')).toBeLessThan(page.indexOf('id="verdict"'));
  });

  test('allows nothing but its own scripts and styles', () => {
    const policy = /Content-Security-Policy" content="([^"]+)"/.exec(renderHtml(anEvaluation(), STUB_ASSETS))?.[1] ?? '';
    expect(policy).toMatch(/^default-src 'none'; script-src 'sha256-\S+' 'sha256-\S+'; style-src 'sha256-\S+' 'sha256-\S+';/);
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
  });

  test('refuses an asset that could end its own element', () => {
    expect(() => renderHtml(anEvaluation(), { ...STUB_ASSETS, pageJs: 'x</script>' })).toThrow(/cannot be embedded/);
  });

  test('renders a run of which hardly anything is known', () => {
    const bare = anEvaluation({
      verdict: 'inconclusive',
      objectives: [],
      guards: [],
      phases: [],
      faults: [],
      recoveries: [],
      scenarios: [],
      dataLoss: [],
      invariants: [],
      timeline: { startAt: 0, stepMs: 1000, points: 0, series: [] },
    });
    expect(renderHtml(bare, STUB_ASSETS)).toContain('Inconclusive');
  });

  test('stays under 3 MB with 600 points of 120 series', () => {
    const big = anEvaluation({ timeline: aTimeline({ points: 600, copies: 6 }) });
    expect(Buffer.byteLength(renderHtml(big, loadReportAssets()))).toBeLessThan(3_000_000);
  });
});

test('the same evaluation gives the same bytes', () => {
  const assets = loadReportAssets();
  expect([...renderReports(anEvaluation(), assets)]).toEqual([...renderReports(anEvaluation(), assets)]);
});

test('all reports are named as in a run folder', () => {
  expect([...renderReports(anEvaluation(), STUB_ASSETS).keys()]).toEqual([
    'report.html',
    'report.junit.xml',
    'summary.md',
    'journal.chaostoolkit.json',
  ]);
});

test('a panel with two units becomes two charts', () => {
  const redis = panelsOf(anEvaluation()).filter((one) => one.id.startsWith('redis'));
  expect(redis.map((one) => [one.title, one.unit])).toEqual([
    ['Redis memory', 'bytes'],
    ['Redis: connected clients', 'clients'],
  ]);
});

test('items that overlap in time are put in rows of their own', () => {
  const spans: readonly (readonly [number, number])[] = [
    [0, 10],
    [5, 15],
    [10, 20],
    [16, 18],
  ];
  expect(packLanes(spans, (span) => span, 0)).toEqual([
    [
      [0, 10],
      [10, 20],
    ],
    [
      [5, 15],
      [16, 18],
    ],
  ]);
});
