/** What a reader's browser makes of a report: used on the sample by the integration test and on a real run by the e2e test. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Chromium, type OpenedPage, startChromium } from '../support/chromium.ts';

export interface PageFindings {
  /** `Passed`, `Failed` or `Inconclusive`, as the page says it. */
  readonly verdict: string;
  readonly title: string;
  readonly sizeBytes: number;
  /** Titles of the charts, in order, and how many of them have a canvas that is not blank. */
  readonly panels: readonly string[];
  readonly drawn: number;
  readonly phases: readonly string[];
  readonly faults: number;
  readonly brackets: number;
  readonly objectives: number;
  /** What the page reads out after one press of an arrow key in its first chart. */
  readonly readout: string;
  readonly errors: readonly string[];
  readonly requests: readonly string[];
  readonly dialogs: readonly string[];
}

export interface ReportLook {
  readonly verdict: string;
  /** Charts with something on them. */
  readonly panels: number;
  /** What should not be: errors logged, anything fetched, dialogs, charts left blank. Empty when all is well. */
  readonly problems: readonly string[];
}

/** Opens `report.html` in a Chromium of its own; throws when there is none. */
export async function lookAtReport(file: string): Promise<ReportLook> {
  const chromium = await startChromium();
  try {
    const found = await inspectReportWith(chromium, file);
    const blank = found.panels.length - found.drawn;
    const problems = [
      ...found.errors,
      ...found.requests.map((url) => `asked the network for ${url}`),
      ...found.dialogs.map((text) => `opened a dialog: ${text}`),
      ...(blank === 0 ? [] : [`${blank} of ${found.panels.length} charts are blank`]),
      ...(found.readout === '' ? ['an arrow key read nothing out'] : []),
    ];
    return { verdict: found.verdict, panels: found.drawn, problems };
  } finally {
    await chromium.close();
  }
}

export async function inspectReportWith(chromium: Chromium, file: string): Promise<PageFindings> {
  const opened = await chromium.openPage(file);
  try {
    return await findings(opened, file);
  } finally {
    await opened.page.close();
  }
}

/** Screenshots in light, dark and on a phone, and the printed page; `folder` must exist. @returns the files written. */
export async function pictureReport(chromium: Chromium, file: string, folder: string): Promise<readonly string[]> {
  const views = [
    ['light', {}],
    ['dark', { dark: true }],
    ['phone', { width: 390, height: 844 }],
  ] as const;
  const written: string[] = [];
  for (const [name, options] of views) {
    const { page } = await chromium.openPage(file, options);
    const path = join(folder, `${name}.png`);
    await page.screenshot({ path });
    written.push(path);
    if (name === 'light') {
      const paper = join(folder, 'paper.pdf');
      await page.pdf({ path: paper, preferCSSPageSize: true });
      written.push(paper);
    }
    await page.close();
  }
  return written;
}

/** A temporary folder for pictures, and how to remove it. */
export async function pictureFolder(): Promise<{ readonly folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'peakproof-pictures-'));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

async function findings({ page, errors, requests, dialogs }: OpenedPage, file: string): Promise<PageFindings> {
  const texts = (selector: string) => page.$$eval(selector, (found) => found.map((one) => (one.textContent ?? '').trim()));
  const count = async (selector: string) => (await page.$$(selector)).length;
  const readout = await pressArrow(page);
  return {
    verdict: (await texts('#verdict .verdict-word'))[0] ?? '',
    title: await page.title(),
    sizeBytes: (await stat(file)).size,
    panels: await texts('.panel-title'),
    drawn: await countDrawn(page),
    phases: await texts('.lane.phases text'),
    faults: await count('.lane.faults rect'),
    brackets: await count('.lane.recovery .bracket'),
    objectives: await count('.objectives tbody'),
    readout,
    errors,
    requests,
    dialogs,
  };
}

async function pressArrow(page: OpenedPage['page']): Promise<string> {
  const plot = await page.$('.plot');
  if (plot === null) return '';
  await plot.focus();
  await page.keyboard.press('ArrowRight');
  return page.$eval('#readout', (found) => found.textContent ?? '');
}

/** Canvases with more than one colour on them. Runs in the page. */
function countDrawn(page: OpenedPage['page']): Promise<number> {
  return page.$$eval('.plot canvas', (canvases) => {
    const hasInk = (canvas: Element) => {
      const { width, height } = canvas as unknown as { width: number; height: number };
      const context = (
        canvas as unknown as { getContext(kind: '2d'): { getImageData(...box: number[]): { data: Uint8ClampedArray } } }
      ).getContext('2d');
      const { data } = context.getImageData(0, 0, width, height);
      return new Set(new Uint32Array(data.buffer)).size > 2;
    };
    return canvases.filter(hasInk).length;
  });
}
