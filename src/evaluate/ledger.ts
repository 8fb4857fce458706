/**
 * `ledger.ndjson` -> what became of each write, in DuckDB, since the ledger grows with the load. A write is looked for by its
 * business key in every read-back; how an effect shows is in `docs/reference/measurement.md`.
 */
import type { AnalysisPort, SqlRow } from '../clients/duckdb.ts';
import type { DataLossSummary, LostKey } from '../model/evaluation.ts';
import type { BusinessService } from '../model/plan.ts';
import type { CutFile, History } from './history.ts';
import { checkHeader, cutFile, damaged } from './run-folder.ts';

/** Keys listed in an evaluation; the counts are always complete. */
export const LISTED_KEYS = 1000;
/** The oldest lost writes decide the loss window; more than these are counted only. */
const TIMED_LOSSES = 100_000;

export interface LedgerFigures {
  readonly services: readonly ServiceLedger[];
  readonly invariants: readonly InvariantFigures[];
  readonly gaps: readonly { readonly what: string; readonly detail: string }[];
}

export interface ServiceLedger extends DataLossSummary {
  readonly lost: number;
  readonly duplicated: number;
  /** Acknowledged keys that were not looked up twice. */
  readonly unread: number;
  /** Of the lost writes, oldest first (the first {@link TIMED_LOSSES}). */
  readonly lostAnsweredAt: readonly number[];
}

export interface InvariantFigures {
  readonly invariant: string;
  readonly checked: number;
  readonly violationCount: number;
  readonly violations: readonly string[];
}

export const EMPTY_LEDGER: LedgerFigures = { services: [], invariants: [], gaps: [] };

/** @throws HarnessError ERR_RUN_FOLDER */
export async function loadLedger(
  runDir: string,
  history: History,
  duckdb: AnalysisPort,
): Promise<{ readonly figures: LedgerFigures; readonly cut: CutFile | null }> {
  const path = `${runDir}/ledger.ndjson`;
  const seen = await duckdb.inspect(path);
  if (seen === null) return { figures: EMPTY_LEDGER, cut: null };
  checkHeader(path, seen.firstLine, { file: 'ledger', runId: history.environment.runId });
  await duckdb.query(
    `CREATE OR REPLACE TABLE ledger AS SELECT row_number() OVER () AS line, "row" AS row_kind, * EXCLUDE ("row")
     FROM read_json($1, format='newline_delimited', columns=${COLUMNS}, ignore_errors=true, maximum_object_size=67108864)`,
    [path],
  );
  const cut = await checkLines(path, seen.endsWithNewline, duckdb);
  for (const statement of CLASSIFY) await duckdb.query(statement);
  return { figures: await readFigures(duckdb), cut };
}

/** What is no JSON, or has a value of the wrong type, comes as a row of nulls. */
const COLUMNS = `{row: 'VARCHAR', key: 'VARCHAR', service: 'VARCHAR', model: 'VARCHAR', effect: 'VARCHAR', outcome: 'VARCHAR',
  answeredAt: 'DOUBLE', pass: 'INTEGER', count: 'INTEGER', states: 'VARCHAR[]', invariant: 'VARCHAR', checked: 'BIGINT',
  violations: 'VARCHAR[]', what: 'VARCHAR', detail: 'VARCHAR'}`;

async function checkLines(path: string, whole: boolean, duckdb: AnalysisPort): Promise<CutFile | null> {
  const [last] = await duckdb.query('SELECT max(line) AS n FROM ledger');
  const lines = Number(last?.n ?? 0);
  const [bad] = await duckdb.query(
    `SELECT line, row_kind IS NULL AS garbled FROM ledger WHERE line > 1 AND NOT (${VALID_ROW}) ORDER BY line LIMIT 1`,
  );
  if (bad === undefined) return null;
  const line = Number(bad.line);
  if (bad.garbled === true && line === lines && !whole) return cutFile('ledger.ndjson', line);
  throw damaged(path, line, bad.garbled === true ? 'is no JSON of a ledger row' : 'is no row of a ledger');
}

const VALID_ROW = `coalesce(CASE row_kind
  WHEN 'write' THEN key IS NOT NULL AND service IN ('order-capture', 'pos', 'financial-posting', 'session-store')
    AND model IN ('sale.order', 'pos.order', 'account.move', 'redis.session') AND effect IN ('create', 'confirm', 'cancel', 'post', 'reverse')
    AND outcome IN ('ok', 'unknown') AND "answeredAt" IS NOT NULL
  WHEN 'read-back' THEN key IS NOT NULL AND model IS NOT NULL AND pass IS NOT NULL AND "count" IS NOT NULL AND states IS NOT NULL
  WHEN 'invariant' THEN invariant IS NOT NULL AND checked IS NOT NULL AND violations IS NOT NULL
  WHEN 'gap' THEN what IS NOT NULL
  END, false)`;

/** Keys as numbers: the rest of the work is on 8 bytes a row. */
const CLASSIFY = [
  `CREATE OR REPLACE TABLE ledger_names AS SELECT model, key, row_number() OVER () AS id FROM ledger WHERE row_kind = 'write' GROUP BY model, key`,
  `CREATE OR REPLACE TABLE ledger_writes AS
   SELECT id, effect, any_value(model) AS model, min(service) AS service, bool_or(outcome = 'ok') AS acknowledged,
     min("answeredAt") FILTER (outcome = 'ok') AS answered_at
   FROM ledger JOIN ledger_names USING (model, key) WHERE row_kind = 'write' GROUP BY id, effect`,
  // Of all read-backs of a key: how many there were, the most records found, every state seen.
  `CREATE OR REPLACE TABLE ledger_reads AS
   SELECT id, count(DISTINCT pass) AS read_backs, max("count") AS found, flatten(list(states)) AS states
   FROM ledger JOIN ledger_names USING (model, key) WHERE row_kind = 'read-back' GROUP BY id`,
  // A cancelled order was confirmed before; without any cancellation of ours, 'cancel' is not what a confirmation leaves behind.
  `CREATE OR REPLACE TABLE ledger_checked AS
   SELECT w.id, effect, service, acknowledged, answered_at, coalesce(read_backs, 0) AS read_backs, coalesce(found, 0) AS found, CASE
       WHEN coalesce(found, 0) = 0 THEN false
       WHEN effect = 'create' THEN true
       WHEN effect = 'reverse' THEN list_contains(states, 'reversed')
       WHEN effect = 'cancel' THEN list_contains(states, 'cancel')
       WHEN list_has_any(states, CASE w.model WHEN 'sale.order' THEN ['sale', 'done']
         WHEN 'pos.order' THEN ['paid', 'done', 'invoiced'] ELSE ['posted'] END) THEN true
       ELSE list_contains(states, 'cancel') AND w.id IN (SELECT id FROM ledger_writes WHERE effect = 'cancel') END AS seen
   FROM ledger_writes w LEFT JOIN ledger_reads r ON r.id = w.id`,
  // By business key: an order whose creation and confirmation are both gone is one lost order.
  `CREATE OR REPLACE TABLE ledger_keys AS
   SELECT id, min(service) AS service, bool_or(acknowledged) AS acknowledged, bool_or(NOT acknowledged) AS unknown,
     bool_or(NOT acknowledged AND seen) AS unknown_happened,
     bool_or(acknowledged AND read_backs >= 2 AND NOT seen) AS lost,
     bool_or(acknowledged AND read_backs < 2) AS unread,
     max(found) > 1 AS duplicated, max(read_backs) AS read_backs
   FROM ledger_checked GROUP BY id`,
  `CREATE OR REPLACE TABLE ledger_lost AS
   SELECT id, string_agg(effect, '+' ORDER BY answered_at, effect) AS effects, min(answered_at) AS answered_at
   FROM ledger_checked WHERE acknowledged AND read_backs >= 2 AND NOT seen GROUP BY id`,
];

async function readFigures(duckdb: AnalysisPort): Promise<LedgerFigures> {
  const totals = await duckdb.query(
    `SELECT service, count(*) FILTER (acknowledged) AS acknowledged, count(*) FILTER (unknown) AS unknown,
       count(*) FILTER (unknown_happened) AS happened, count(*) FILTER (lost) AS lost, count(*) FILTER (unread) AS unread,
       count(*) FILTER (duplicated) AS duplicated, max(read_backs) AS read_backs FROM ledger_keys GROUP BY service ORDER BY service`,
  );
  const services: ServiceLedger[] = [];
  for (const total of totals) services.push(await readService(total, duckdb));
  const invariants = await duckdb.query(
    `SELECT invariant, arg_max(checked, line) AS checked, len(arg_max(violations, line)) AS violation_count,
       list_slice(arg_max(violations, line), 1, ${LISTED_KEYS}) AS violations
     FROM ledger WHERE row_kind = 'invariant' GROUP BY invariant ORDER BY invariant`,
  );
  const gaps = await duckdb.query(`SELECT what, coalesce(detail, '') AS detail FROM ledger WHERE row_kind = 'gap' ORDER BY line`);
  return {
    services,
    invariants: invariants.map((row) => ({
      invariant: String(row.invariant),
      checked: Number(row.checked),
      violationCount: Number(row.violation_count),
      violations: strings(row.violations),
    })),
    gaps: gaps.map((row) => ({ what: String(row.what), detail: String(row.detail) })),
  };
}

async function readService(total: SqlRow, duckdb: AnalysisPort): Promise<ServiceLedger> {
  const service = String(total.service) as BusinessService;
  const lost = await duckdb.query(
    `SELECT n.key, n.model, l.effects AS lost_effects, l.answered_at AS lost_answered_at
     FROM ledger_lost l JOIN ledger_keys k USING (id) JOIN ledger_names n USING (id) WHERE k.service = $1
     ORDER BY l.answered_at, n.key LIMIT ${TIMED_LOSSES}`,
    [service],
  );
  const duplicated = await duckdb.query(
    `SELECT n.key FROM ledger_keys k JOIN ledger_names n USING (id) WHERE k.duplicated AND k.service = $1 ORDER BY n.key LIMIT ${LISTED_KEYS}`,
    [service],
  );
  const lostKeys: readonly LostKey[] = lost.slice(0, LISTED_KEYS).map((row) => ({
    key: String(row.key),
    model: String(row.model),
    effect: String(row.lost_effects),
    answeredAt: Number(row.lost_answered_at),
  }));
  return {
    service,
    acknowledged: Number(total.acknowledged),
    unknown: Number(total.unknown),
    unknownThatHappened: Number(total.happened),
    lostKeys,
    duplicatedKeys: duplicated.map((row) => String(row.key)),
    readBacks: Number(total.read_backs),
    lost: Number(total.lost),
    duplicated: Number(total.duplicated),
    unread: Number(total.unread),
    lostAnsweredAt: lost.map((row) => Number(row.lost_answered_at)),
  };
}

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
