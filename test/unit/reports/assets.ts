import type { ReportAssets } from '../../../reports/index.ts';

/** Stand-ins, so that snapshots of the page show the page and not a library. */
export const STUB_ASSETS: ReportAssets = {
  uplotJs: '/* chart library */',
  uplotCss: '/* chart styles */',
  pageJs: '/* page script */',
  pageCss: '/* page styles */',
};
