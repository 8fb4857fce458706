/** Verdict symbols as inline SVG: shapes differ, so that colour is never the only sign, and no font is needed. */
import type { VNode } from 'preact';
import { h } from './element.ts';

const PATHS = {
  pass: 'M3.5 8.6l3 3 6-7',
  fail: 'M4 4l8 8M12 4l-8 8',
  inconclusive: 'M5.6 6.1a2.4 2.4 0 1 1 3.5 2.1c-.8.4-1.1.8-1.1 1.6M8 12.4v.1',
  warning: 'M8 4.5v4.6M8 12v.1',
} as const;

export type Icon = keyof typeof PATHS;

export function icon(name: Icon): VNode {
  const frame =
    name === 'inconclusive' || name === 'warning'
      ? h('path', { d: 'M8 1.2L15 14.3H1z', class: 'icon-frame' })
      : h('circle', { cx: 8, cy: 8, r: 7.2, class: 'icon-frame' });
  return h(
    'svg',
    { class: `icon ${name}`, viewBox: '0 0 16 16', width: 16, height: 16, 'aria-hidden': 'true', focusable: 'false' },
    name === 'inconclusive' ? h('circle', { cx: 8, cy: 8, r: 7.2, class: 'icon-frame' }) : frame,
    h('path', { d: PATHS[name], class: 'icon-mark' }),
  );
}
