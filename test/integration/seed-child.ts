/** Seeds data set 7 into the ERP at the given URL and prints its progress: something to kill. */
import { createOdooClient } from '../../src/clients/odoo/client.ts';
import { seedTarget } from '../../src/seed/seed-target.ts';

const odoo = createOdooClient({ url: process.argv[2] ?? '', database: 'erp', login: 'admin', password: 'admin' });
const dataset = { products: 250, categories: 4, customers: 40, stores: 2, tillsPerStore: 2, openingStock: 500, hotProducts: 5 };
await seedTarget(odoo, dataset, 7, { onProgress: ({ what, done, total }) => process.stdout.write(`${what} ${done}/${total}\n`) });
