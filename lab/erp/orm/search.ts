/** search, search_count and the FROM/WHERE/ORDER part that search_read and read_group share. */
import { num } from '../db/transaction.ts';
import { valueError } from '../rpc/faults.ts';
import { domainSql, mentionedFields } from './domain.ts';
import type { Env } from './env.ts';
import { fieldSql, relationNameSql } from './expression.ts';
import type { ModelSpec } from './fields.ts';
import { requireField } from './registry.ts';
import { ident, resetAliases, SqlParams } from './sql.ts';
import type { Value } from './value.ts';

export interface Page {
  readonly offset?: number;
  /** Absent or 0: all. */
  readonly limit?: number;
  readonly order?: string;
}

/** Conditions of a domain on alias `t`, with archived records left out unless asked for. */
export function whereSql(env: Env, model: ModelSpec, params: SqlParams, domain: Value): string {
  const condition = domainSql({ models: env.models, params }, model, 't', domain);
  const hidesArchived = 'active' in model.fields && env.context.active_test !== false && !mentionedFields(domain).has('active');
  return hidesArchived ? `t.active AND ${condition}` : condition;
}

export function orderSql(env: Env, model: ModelSpec, order: string): string {
  return order
    .split(',')
    .map((part) => {
      const match = /^\s*([a-z_][a-z0-9_]*)\s*(asc|desc)?\s*(nulls (?:first|last))?\s*$/i.exec(part);
      if (!match)
        throw valueError(
          `Invalid "order" specified (${order}). A valid "order" specification is a comma-separated list of valid field names (optionally followed by asc/desc for the direction)`,
        );
      const name = match[1] ?? '';
      const field = requireField(model, name);
      const column = fieldSql(env.models, model, 't', name);
      const key = field.type === 'many2one' && field.relation ? relationNameSql(env.models, field.relation, column) : column;
      return `${key} ${(match[2] ?? 'asc').toUpperCase()}${match[3] ? ` ${match[3].toUpperCase()}` : ''}`;
    })
    .join(', ');
}

export function pageSql(params: SqlParams, page: Page): string {
  const limit = page.limit ? ` LIMIT ${params.add(page.limit)}` : '';
  return page.offset ? `${limit} OFFSET ${params.add(page.offset)}` : limit;
}

export async function searchIds(env: Env, model: ModelSpec, domain: Value, page: Page = {}): Promise<readonly number[]> {
  resetAliases();
  const params = new SqlParams();
  const where = whereSql(env, model, params, domain);
  const order = orderSql(env, model, page.order || model.order);
  const sql = `SELECT t.id FROM ${ident(model.table)} t WHERE ${where} ORDER BY ${order}${pageSql(params, page)}`;
  return (await env.tx.query(sql, params.values)).map((row) => num(row, 'id'));
}

export async function searchCount(env: Env, model: ModelSpec, domain: Value, limit = 0): Promise<number> {
  resetAliases();
  const params = new SqlParams();
  const where = whereSql(env, model, params, domain);
  const bounded = limit > 0 ? ` LIMIT ${params.add(limit)}` : '';
  const sql = `SELECT count(*)::int AS n FROM (SELECT 1 FROM ${ident(model.table)} t WHERE ${where}${bounded}) s`;
  return num((await env.tx.query(sql, params.values))[0], 'n');
}
