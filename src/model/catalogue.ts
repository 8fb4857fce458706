/**
 * `catalogue.json` of a run: the ids that this target gave to the seeded data and to what it already had. Looked up before
 * the load starts, never assumed; k6, the probes and the invariants work from it.
 */
export interface TargetCatalogue {
  readonly schemaVersion: 1;
  /** Prefix of the codes of this dataset (`PP<seed>-`): products' default_code, partners' ref, POS configs' name. */
  readonly prefix: string;
  readonly serverVersion: string;
  readonly userId: number;
  readonly companyId: number;
  /** In order of popularity: the first `hotProducts` are those of the promotion. `templateId`: the template whose variant it is. */
  readonly products: readonly {
    readonly id: number;
    readonly code: string;
    readonly listPrice: number;
    readonly templateId?: number;
  }[];
  readonly hotProducts: number;
  readonly partners: readonly number[];
  readonly pricelists: { readonly regular: number | null; readonly promotion: number | null };
  readonly journals: { readonly sale: number; readonly general: number; readonly bank: number | null };
  readonly accounts: {
    readonly receivable: number;
    readonly revenue: number;
    readonly expense: number;
    readonly payable: number;
  };
  readonly tills: readonly {
    readonly configId: number;
    readonly store: number;
    readonly till: number;
    readonly paymentMethodId: number;
  }[];
  /** A till that only the POS probe uses. */
  readonly probeTill: { readonly configId: number; readonly paymentMethodId: number } | null;
  readonly stockLocationId: number;
  /** Units on hand of each product when the run started, by product id. */
  readonly openingQuants: Readonly<Record<string, number>>;
  /** Units that done stock moves had brought into the stock location, net, when the run started, by product id. */
  readonly openingMoves?: Readonly<Record<string, number>>;
  /** The stores' own warehouses, by store: their tills take goods from there. */
  readonly stores?: readonly StoreStock[];
  /** So many of the products, by popularity, are what stores sell; absent: all. */
  readonly storeProducts?: number;
}

export interface StoreStock {
  readonly store: number;
  readonly warehouseId: number;
  readonly stockLocationId: number;
  /** Operation type of the warehouse's tills. */
  readonly posTypeId: number;
  /** As those of the catalogue, in this stock location. */
  readonly openingQuants: Readonly<Record<string, number>>;
  readonly openingMoves: Readonly<Record<string, number>>;
}

/** `load/<runner>/load.json`: all that k6 is told, besides the password (environment `PEAKPROOF_ODOO_PASSWORD`). */
export interface LoadInput {
  readonly schemaVersion: 1;
  readonly runId: string;
  readonly seed: number;
  readonly odoo: { readonly url: string; readonly database: string; readonly login: string };
  readonly catalogueFile: string;
  readonly scenarios: readonly import('./plan.ts').ScenarioSpec[];
}
