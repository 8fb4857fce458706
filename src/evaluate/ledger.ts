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
    `CREATE OR REPLACE TABLE ledger AS SELECT row_number() OVER () AS line, json AS entry, json->>'row' AS row_kind
     FROM read_ndjson_objects($1, ignore_errors=true, maximum_object_size=67108864)`,
    [path],
  );
  const cut = await checkLines(path, seen.endsWithNewline, duckdb);
  for (const statement of CLASSIFY) await duckdb.query(statement);
  return { figures: await readFigures(duckdb), cut };
}

async function checkLines(path: string, whole: boolean, duckdb: AnalysisPort): Promise<CutFile | null> {
  const [last] = await duckdb.query('SELECT max(line) AS n FROM ledger');
  const lines = Number(last?.n ?? 0);
  const [bad] = await duckdb.query(
    `SELECT line, entry IS NULL AS garbled FROM ledger WHERE line > 1 AND NOT (${VALID_ROW}) ORDER BY line LIMIT 1`,
  );
  if (bad === undefined) return null;
  const line = Number(bad.line);
  if (bad.garbled === true && line === lines && !whole) return cutFile('ledger.ndjson', line);
  throw damaged(path, line, bad.garbled === true ? 'is no JSON object' : 'is no row of a ledger');
}

const NUMBER = "('UBIGINT', 'BIGINT', 'DOUBLE')";
const VALID_ROW = `coalesce(CASE row_kind
  WHEN 'write' THEN (entry->>'key') IS NOT NULL
    AND (entry->>'service') IN ('order-capture', 'pos', 'financial-posting')
    AND (entry->>'model') IN ('sale.order', 'pos.order', 'account.move')
    AND (entry->>'effect') IN ('create', 'confirm', 'cancel', 'post', 'reverse')
    AND (entry->>'outcome') IN ('ok', 'unknown') AND json_type(entry, '$.answeredAt') IN ${NUMBER}
  WHEN 'read-back' THEN (entry->>'key') IS NOT NULL AND (entry->>'model') IS NOT NULL AND json_type(entry, '$.pass') IN ${NUMBER}
    AND json_type(entry, '$.count') IN ${NUMBER} AND json_type(entry, '$.states') = 'ARRAY'
  WHEN 'invariant' THEN (entry->>'invariant') IS NOT NULL AND json_type(entry, '$.checked') IN ${NUMBER}
    AND json_type(entry, '$.violations') = 'ARRAY'
  WHEN 'gap' THEN (entry->>'what') IS NOT NULL
  END, false)`;

const CLASSIFY = [
  `CREATE OR REPLACE TABLE ledger_writes AS
   SELECT (entry->>'model') AS model, (entry->>'key') AS key, (entry->>'effect') AS effect, min(entry->>'service') AS service,
     bool_or((entry->>'outcome') = 'ok') AS acknowledged,
     min(CASE WHEN (entry->>'outcome') = 'ok' THEN (entry->>'answeredAt')::DOUBLE END) AS answered_at
   FROM ledger WHERE row_kind = 'write' GROUP BY ALL`,
  `CREATE OR REPLACE TABLE ledger_reads AS
   SELECT (entry->>'model') AS model, (entry->>'key') AS key, (entry->>'pass')::INTEGER AS pass,
     max((entry->>'count')::INTEGER) AS found, flatten(list(from_json(entry->'states', '["VARCHAR"]'))) AS states
   FROM ledger WHERE row_kind = 'read-back' GROUP BY ALL`,
  // A cancelled order was confirmed before; without any cancellation of ours, 'cancel' is not what a confirmation leaves behind.
  `CREATE OR REPLACE TABLE ledger_cancels AS SELECT DISTINCT model, key FROM ledger_writes WHERE effect = 'cancel'`,
  `CREATE OR REPLACE TABLE ledger_checked AS
   WITH looked AS (
     SELECT w.*, r.pass, r.found, CASE
       WHEN r.found IS NULL OR r.found = 0 THEN false
       WHEN effect IN ('create', 'reverse') THEN true
       WHEN effect = 'cancel' THEN list_contains(r.states, 'cancel')
       WHEN list_has_any(r.states, CASE w.model WHEN 'sale.order' THEN ['sale', 'done']
         WHEN 'pos.order' THEN ['paid', 'done', 'invoiced'] ELSE ['posted'] END) THEN true
       ELSE c.key IS NOT NULL AND list_contains(r.states, 'cancel') END AS seen
     FROM ledger_writes w LEFT JOIN ledger_reads r USING (model, key) LEFT JOIN ledger_cancels c USING (model, key)
   )
   SELECT model, key, effect, any_value(service) AS service, any_value(acknowledged) AS acknowledged,
     any_value(answered_at) AS answered_at, count(DISTINCT pass) AS read_backs, bool_or(seen) AS seen, max(found) AS found
   FROM looked GROUP BY ALL`,
  // By business key: an order whose creation and confirmation are both gone is one lost order.
  `CREATE OR REPLACE TABLE ledger_keys AS
   SELECT model, key, min(service) AS service, bool_or(acknowledged) AS acknowledged, bool_or(NOT acknowledged) AS unknown,
     bool_or(NOT acknowledged AND seen) AS unknown_happened,
     bool_or(acknowledged AND read_backs >= 2 AND NOT seen) AS lost,
     bool_or(acknowledged AND read_backs < 2) AS unread,
     coalesce(max(found), 0) > 1 AS duplicated, max(read_backs) AS read_backs,
     string_agg(effect, '+' ORDER BY answered_at, effect) FILTER (acknowledged AND read_backs >= 2 AND NOT seen) AS lost_effects,
     min(answered_at) FILTER (acknowledged AND read_backs >= 2 AND NOT seen) AS lost_answered_at
   FROM ledger_checked GROUP BY model, key`,
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
    `WITH latest AS (SELECT (entry->>'invariant') AS invariant, arg_max(entry, line) AS entry FROM ledger
       WHERE row_kind = 'invariant' GROUP BY 1)
     SELECT invariant, (entry->>'checked')::BIGINT AS checked, json_array_length(entry->'violations') AS violation_count,
       list_slice(from_json(entry->'violations', '["VARCHAR"]'), 1, ${LISTED_KEYS}) AS violations FROM latest ORDER BY invariant`,
  );
  const gaps = await duckdb.query(
    `SELECT (entry->>'what') AS what, coalesce(entry->>'detail', '') AS detail FROM ledger WHERE row_kind = 'gap' ORDER BY line`,
  );
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
    `SELECT key, model, lost_effects, lost_answered_at FROM ledger_keys WHERE lost AND service = $1
     ORDER BY lost_answered_at, key LIMIT ${TIMED_LOSSES}`,
    [service],
  );
  const duplicated = await duckdb.query(
    `SELECT key FROM ledger_keys WHERE duplicated AND service = $1 ORDER BY key LIMIT ${LISTED_KEYS}`,
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
