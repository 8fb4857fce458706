import { HarnessError, type Problem } from '../../errors.ts';
import type { OdooPort } from '../ports.ts';

export interface OdooPreflight {
  readonly version: string;
  readonly warnings: readonly Problem[];
}

/** Major version that docs/reference/odoo-behaviour.md was observed on. */
const TESTED_MAJOR = 18;

/** Models that load, probes and read-back use, with the app that brings each. */
const NEEDED_MODELS: readonly (readonly [model: string, app: string])[] = [
  ['res.partner', 'base'],
  ['product.product', 'product'],
  ['product.pricelist', 'product'],
  ['sale.order', 'sale_management'],
  ['stock.quant', 'stock'],
  ['stock.picking', 'stock'],
  ['stock.move', 'stock'],
  ['account.move', 'account'],
  ['account.journal', 'account'],
  ['pos.order', 'point_of_sale'],
  ['pos.session', 'point_of_sale'],
];

/**
 * Reads the version and asks for every model that is needed. Throws ERR_MODEL_MISSING with one problem a missing model, and
 * what `OdooPort.require` throws when the target does not answer. Another major version than 18 is a warning.
 */
export async function preflightOdoo(odoo: OdooPort): Promise<OdooPreflight> {
  const version = await odoo.version();
  const problems: Problem[] = [];
  for (const [model, app] of NEEDED_MODELS) {
    try {
      await odoo.require(model, 'search_count', [[['id', '=', 0]]]);
    } catch (error) {
      if (!(error instanceof HarnessError) || error.code !== 'ERR_MODEL_MISSING') throw error;
      problems.push({
        at: `target ${odoo.url} database ${odoo.database}`,
        message: `has no model ${model}`,
        hint: `install the Odoo app ${app}`,
      });
    }
  }
  if (problems.length > 0) {
    const names = problems.map(({ message }) => message.replace('has no model ', '')).join(', ');
    throw new HarnessError('ERR_MODEL_MISSING', `${odoo.url} database "${odoo.database}" lacks the models ${names}`, {
      problems,
    });
  }
  return { version, warnings: versionWarnings(odoo.url, version) };
}

function versionWarnings(url: string, version: string): readonly Problem[] {
  // Odoo Online prefixes its versions: saas~18.1.
  const major = Number(/^\D*(\d+)/.exec(version)?.[1]);
  if (major === TESTED_MAJOR) return [];
  return [
    {
      at: `target ${url}`,
      message: `Odoo ${version} is untested: the scenarios were written against Odoo ${TESTED_MAJOR}`,
      hint: 'the run goes on; look at its first faults before trusting the numbers',
    },
  ];
}
