import { many2oneId, readFirst } from '../clients/odoo/records.ts';
import type { OdooPort, OdooValue } from '../clients/ports.ts';
import { HarnessError, type Problem } from '../errors.ts';
import type { TargetCatalogue } from '../model/catalogue.ts';

/** What the target's own company has, which nothing is seeded for. */
export interface Company {
  readonly userId: number;
  readonly companyId: number;
  readonly journals: TargetCatalogue['journals'];
  readonly accounts: TargetCatalogue['accounts'];
  readonly regularPricelist: number | null;
  readonly stockLocationId: number;
}

/** Looks the company of the user up. Throws ERR_PREFLIGHT with every journal, account or warehouse that is missing. */
export async function lookUpCompany(odoo: OdooPort, options: { readonly ownPrefix: string }): Promise<Company> {
  const userId = await odoo.login();
  const user = await readFirst(odoo, 'res.users', [['id', '=', userId]], ['company_id']);
  const companyId = many2oneId(user?.company_id) ?? 1;
  const problems: Problem[] = [];
  const need = (found: number | null, what: string, hint: string): number => {
    if (found === null) problems.push({ at: `${odoo.url} database ${odoo.database}`, message: `has no ${what}`, hint });
    return found ?? 0;
  };
  const chart = 'install a chart of accounts for the company (Accounting > Configuration > Settings > Fiscal Localization)';
  const accountCompany = await accountCompanyDomain(odoo, companyId);
  const account = async (type: string): Promise<number> =>
    need(await findId(odoo, 'account.account', [['account_type', '=', type], accountCompany]), `account of type ${type}`, chart);
  const journal = (type: string): Promise<number | null> =>
    findId(odoo, 'account.journal', [
      ['type', '=', type],
      ['company_id', '=', companyId],
    ]);
  // Among general journals, MISC is the one for manual entries; others belong to automatisms (exchange differences, cash basis).
  const general =
    (await findId(odoo, 'account.journal', [
      ['code', '=', 'MISC'],
      ['company_id', '=', companyId],
    ])) ?? (await journal('general'));
  const journals = {
    sale: need(await journal('sale'), 'sales journal', chart),
    general: need(general, 'journal of type general', chart),
    bank: await journal('bank'),
  };
  const accounts = {
    receivable: await account('asset_receivable'),
    revenue: await account('income'),
    expense: await account('expense'),
    payable: await account('liability_payable'),
  };
  // The company's own, not one that a store of the data set got.
  const ofCompany = [['company_id', '=', companyId], '!', ['name', '=like', `${options.ownPrefix}%`]];
  const warehouse = await readFirst(odoo, 'stock.warehouse', ofCompany, ['lot_stock_id']);
  const stockLocationId = need(many2oneId(warehouse?.lot_stock_id), 'warehouse', 'create one in Inventory > Configuration');
  if (problems.length > 0) {
    throw new HarnessError('ERR_PREFLIGHT', `${odoo.url} ${problems.map(({ message }) => message).join(', ')}`, {
      hint: chart,
      problems,
    });
  }
  const regularPricelist = await findId(odoo, 'product.pricelist', ['!', ['name', '=like', `${options.ownPrefix}%`]]);
  return { userId, companyId, journals, accounts, regularPricelist, stockLocationId };
}

async function findId(odoo: OdooPort, model: string, domain: readonly OdooValue[]): Promise<number | null> {
  const row = await readFirst(odoo, model, domain, ['id']);
  return typeof row?.id === 'number' ? row.id : null;
}

/** From Odoo 18 on an account belongs to several companies. */
async function accountCompanyDomain(odoo: OdooPort, companyId: number): Promise<OdooValue> {
  const fields = await odoo.require('account.account', 'fields_get', [['company_ids', 'company_id'], ['type']]);
  const several = typeof fields === 'object' && fields !== null && 'company_ids' in fields;
  return several ? ['company_ids', 'in', [companyId]] : ['company_id', '=', companyId];
}
