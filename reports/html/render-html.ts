/**
 * `report.html`: one file that needs no network and allows none. Its content security policy names the hashes of its own
 * scripts and styles, so that nothing which slipped into the text could run.
 */
import { createHash } from 'node:crypto';
import type { VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';
import type { Evaluation } from '../../src/model/evaluation.ts';
import { sanitiseEvaluation } from '../sanitise.ts';
import { headline } from '../wording.ts';
import type { ReportAssets } from './assets.ts';
import { h } from './element.ts';
import { guardsSection, objectivesSection } from './objectives.ts';
import { faultsSection, lossSection, recoveriesSection, scenariosSection } from './outcome.ts';
import { environmentSection, repeatSection } from './provenance.ts';
import { autoscalingSection, gapsSection, rightsizingSection } from './scaling.ts';
import { pageData, timelineSection } from './timeline.ts';
import { masthead, verdictBlock, warningBanners } from './verdict.ts';

/**
 * The chart library asks for a number format of the browser's language as it loads; a headless browser under LANG=C names one
 * (`en-US@posix`) that is no language tag, and the library would die of it.
 */
const LANGUAGE_GUARD =
  "try{new Intl.NumberFormat(navigator.language)}catch{Object.defineProperty(navigator,'language',{value:'en-US'})}\n";

export function renderHtml(input: Evaluation, assets: ReportAssets): string {
  const evaluation = sanitiseEvaluation(input);
  const styles = [assets.uplotCss, assets.pageCss].map(requireInlineable);
  const scripts = [LANGUAGE_GUARD + assets.uplotJs, assets.pageJs].map(requireInlineable);
  const policy = [
    "default-src 'none'",
    `script-src ${scripts.map(hashOf).join(' ')}`,
    `style-src ${styles.map(hashOf).join(' ')}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const { word } = headline(evaluation);
  const page = h(
    'html',
    { lang: 'en' },
    h(
      'head',
      null,
      h('meta', { charset: 'utf-8' }),
      h('meta', { 'http-equiv': 'Content-Security-Policy', content: policy }),
      h('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
      h('meta', { name: 'color-scheme', content: 'light dark' }),
      h('meta', { name: 'generator', content: `peakproof ${evaluation.environment.harnessVersion}` }),
      h('title', null, `${word}: ${evaluation.plan.name}`),
      ...styles.map((text) => h('style', { dangerouslySetInnerHTML: { __html: text } })),
    ),
    h(
      'body',
      null,
      h('a', { class: 'skip', href: '#objectives' }, 'Skip to the objectives'),
      h('main', null, ...content(evaluation)),
      h('script', {
        type: 'application/json',
        id: 'page-data',
        dangerouslySetInnerHTML: { __html: jsonForScript(pageData(evaluation)) },
      }),
      ...scripts.map((text) => h('script', { dangerouslySetInnerHTML: { __html: text } })),
    ),
  );
  return `<!doctype html>\n${renderToString(page)}\n`;
}

function content(evaluation: Evaluation): readonly (VNode | null)[] {
  return [
    masthead(evaluation),
    ...warningBanners(evaluation),
    verdictBlock(evaluation),
    objectivesSection(evaluation),
    timelineSection(evaluation),
    faultsSection(evaluation),
    recoveriesSection(evaluation),
    autoscalingSection(evaluation),
    lossSection(evaluation),
    scenariosSection(evaluation),
    rightsizingSection(evaluation),
    guardsSection(evaluation),
    gapsSection(evaluation),
    environmentSection(evaluation),
    repeatSection(evaluation),
  ];
}

/** JSON that cannot end the script element it is in, nor be taken for a comment that hides the rest of the page. */
function jsonForScript(data: unknown): string {
  return JSON.stringify(data)
    .replaceAll('<', '\\u003c')
    .replaceAll('>', '\\u003e')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
}

function requireInlineable(text: string): string {
  if (/<\/(script|style)|<!--/i.test(text))
    throw new Error('an asset of the report cannot be embedded: it holds a closing tag or a comment start');
  return text;
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}'`;
}
