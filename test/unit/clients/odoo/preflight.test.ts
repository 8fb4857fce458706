import { describe, expect, it } from 'vitest';
import { preflightOdoo } from '../../../../src/clients/odoo/preflight.ts';
import type { HarnessError } from '../../../../src/errors.ts';
import { FakeOdoo, refused } from '../../../fakes/fake-odoo.ts';

describe('preflightOdoo', () => {
  it.each(['18.0', '18.0-20250101', 'saas~18.1'])('takes Odoo %s for tested', async (version) => {
    const odoo = new FakeOdoo();
    odoo.serverVersion = version;
    expect(await preflightOdoo(odoo)).toEqual({ version, warnings: [] });
  });

  it.each(['17.0', '19.0', 'unknown'])('warns that Odoo %s is untested, and goes on', async (version) => {
    const odoo = new FakeOdoo();
    odoo.serverVersion = version;
    const { warnings } = await preflightOdoo(odoo);
    expect(warnings).toMatchObject([{ message: expect.stringContaining(`Odoo ${version} is untested`) }]);
  });

  it('names every missing model with its app', async () => {
    const odoo = new FakeOdoo();
    for (const model of ['pos.order', 'pos.session', 'stock.picking']) odoo.tables.delete(model);
    const failure = await preflightOdoo(odoo).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'ERR_MODEL_MISSING',
      message: expect.stringContaining('stock.picking, pos.order, pos.session'),
    });
    expect((failure as HarnessError).problems).toMatchObject([
      { message: 'has no model stock.picking', hint: 'install the Odoo app stock' },
      { message: 'has no model pos.order', hint: 'install the Odoo app point_of_sale' },
      { message: 'has no model pos.session' },
    ]);
  });

  it('takes a target that does not answer for what it is', async () => {
    const odoo = new FakeOdoo();
    odoo.intercept = () => refused;
    await expect(preflightOdoo(odoo)).rejects.toMatchObject({ code: 'ERR_TARGET_UNREACHABLE' });
  });
});
