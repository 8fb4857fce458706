import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadReportAssets, renderReports } from '../../reports/index.ts';
import type { Evaluation } from '../../src/model/evaluation.ts';
import { anEvaluation, anUndoneEvaluation, aTimeline } from '../builders/an-evaluation.ts';
import { inspectReportWith, pictureFolder, pictureReport } from '../e2e/report-in-chromium.ts';
import { type Chromium, startChromium } from '../support/chromium.ts';

let chromium: Chromium;
let pictures: Awaited<ReturnType<typeof pictureFolder>>;

beforeAll(async () => {
  pictures = await pictureFolder();
  chromium = await startChromium();
});

afterAll(async () => {
  await chromium?.close();
  await pictures?.remove();
});

async function reportOf(evaluation: Evaluation, name: string): Promise<string> {
  const file = join(pictures.folder, `${name}.html`);
  await writeFile(file, renderReports(evaluation, loadReportAssets()).get('report.html') ?? '');
  return file;
}

describe('report.html in Chromium', () => {
  test('shows the verdict, the axis and every panel, asks the network for nothing and logs no error', async () => {
    const found = await inspectReportWith(chromium, await reportOf(anEvaluation(), 'sample'));
    expect(found).toMatchObject({
      verdict: 'Failed',
      title: 'Failed: Black Friday peak day',
      drawn: 11,
      phases: ['warm-up', 'baseline', 'disturbance', 'recovery', 'settle'],
      faults: 3,
      brackets: 4,
      objectives: 9,
      errors: [],
      requests: [],
      dialogs: [],
    });
    expect(found.panels).toEqual([
      'Throughput',
      'Attainment',
      'Latency log scale',
      'Errors',
      'Replicas',
      'Probe latency log scale',
      'Good probes',
      'Replication lag',
      'Replication: timeline',
      'Redis memory',
      'Redis: connected clients',
    ]);
    expect(found.readout).toBe('0:00 (09:30:00 UTC), warm-up. Throughput: scheduled 0/s, answered correctly 0/s');
  });

  test('draws 600 points of 30 series and more in under 3 MB', async () => {
    const file = await reportOf(anEvaluation({ timeline: aTimeline({ points: 600, copies: 2 }) }), 'big');
    const found = await inspectReportWith(chromium, file);
    expect(found).toMatchObject({ drawn: found.panels.length, errors: [], requests: [] });
    expect(found.sizeBytes).toBeLessThan(3_000_000);
  });

  test('keys move the cursor in all charts at once, zoom, and leave', async () => {
    const { page, errors } = await chromium.openPage(await reportOf(anEvaluation(), 'keys'));
    const clock = () => page.$eval('#clock', (found) => found.textContent ?? '');
    const values = () => page.$$eval('.key output', (found) => found.filter((one) => one.textContent !== '').length);
    await page.focus('[data-panel="latency-1"]');
    await page.keyboard.press('Home');
    for (let press = 0; press < 13; press++) await page.keyboard.press('PageDown');
    expect(await clock()).toBe('2:10 (09:32:10 UTC), disturbance, F2 db-failover');
    expect(await values()).toBe(20);
    await page.keyboard.press('+');
    expect(await page.$eval('[data-zoom=""]', (found) => found.getAttribute('aria-pressed'))).toBe('false');
    await page.keyboard.press('Escape');
    expect([await clock(), await values()]).toEqual(['', 0]);
    expect(await page.$eval('[data-zoom=""]', (found) => found.getAttribute('aria-pressed'))).toBe('true');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.className')).toContain('key');
    expect(errors).toEqual([]);
    await page.close();
  });

  test('a button zooms lanes and charts to a fault', async () => {
    const { page } = await chromium.openPage(await reportOf(anEvaluation(), 'zoom'));
    const share = () =>
      page.$eval('.lane.faults rect[data-from="120"]', (found) => Number.parseFloat(found.getAttribute('width') ?? ''));
    const before = await share();
    await page.click('[data-zoom="db-failover"]');
    expect(before).toBeCloseTo(8.7, 1);
    expect(await share()).toBeGreaterThan(30);
    await page.close();
  });

  test('is readable in the dark, and its charts follow', async () => {
    const file = await reportOf(anEvaluation(), 'dark');
    const { page, errors } = await chromium.openPage(file, { dark: true });
    const background = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
    const ink = () => page.evaluate('document.querySelector(".plot canvas").toDataURL()');
    const dark = [await background(), await ink()];
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'light' }]);
    // The charts are drawn anew after the style sheet has switched: waited for, within the page's own deadline.
    await page.waitForFunction(
      `getComputedStyle(document.body).backgroundColor === "rgb(246, 247, 249)" &&
        document.querySelector(".plot canvas").toDataURL() !== ${JSON.stringify(dark[1])}`,
      { timeout: 5_000 },
    );
    expect(dark[0]).toBe('rgb(15, 19, 26)');
    expect(await ink()).not.toBe(dark[1]);
    expect(errors).toEqual([]);
    await page.close();
  });

  test('can be looked at in light, dark, on a phone and on paper', async () => {
    const files = await pictureReport(chromium, await reportOf(anUndoneEvaluation(), 'pictures'), pictures.folder);
    const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
    expect(sizes.every((size) => size > 20_000)).toBe(true);
  });

  test('does not scroll sideways on a phone', async () => {
    const { page } = await chromium.openPage(await reportOf(anEvaluation(), 'phone'), { width: 390, height: 844 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    await page.close();
  });

  test('keeps lanes, tables and a note without JavaScript', async () => {
    const { page } = await chromium.openPage(await reportOf(anEvaluation(), 'no-script'), { javascript: false });
    const text = (await page.$eval('body', (found) => found.textContent)) ?? '';
    expect(text).toContain('The charts need JavaScript');
    expect(text).toContain('The charts as tables');
    expect(text).toContain('F2 db-failover');
    await page.close();
  });

  test('runs nothing that slipped into its text', async () => {
    const attack =
      '"><script>alert(1)</script><img src=http://127.0.0.1:9/x onerror=alert(2)></title></script><svg onload=alert(3)>';
    const text = JSON.stringify(anEvaluation()).replace(
      /"(reason|text|name|fault|key|description|target)":"/g,
      (start) => start + JSON.stringify(attack).slice(1, -1),
    );
    const found = await inspectReportWith(chromium, await reportOf(JSON.parse(text) as Evaluation, 'attack'));
    expect(found).toMatchObject({ errors: [], requests: [], dialogs: [], drawn: 11 });
  });
});
