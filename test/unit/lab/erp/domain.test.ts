import { describe, expect, test } from 'vitest';
import { models } from '../../../../lab/erp/models/index.ts';
import { domainSql, mentionedFields } from '../../../../lab/erp/orm/domain.ts';
import { resetAliases, SqlParams } from '../../../../lab/erp/orm/sql.ts';
import type { Value } from '../../../../lab/erp/orm/value.ts';

const compile = (model: string, domain: Value): { sql: string; values: readonly unknown[] } => {
  const params = new SqlParams();
  resetAliases();
  return { sql: domainSql({ models, params }, models.require(model), 't', domain), values: params.values };
};

describe('search domain', () => {
  test('is true when empty', () => {
    expect(compile('res.partner', [])).toEqual({ sql: 'TRUE', values: [] });
  });

  test('joins leaves without an operator by and', () => {
    const { sql, values } = compile('res.partner', [
      ['name', '=', 'A'],
      ['city', '=', 'B'],
    ]);
    expect(sql).toBe('(t."name" = $1::text AND t."city" = $2::text)');
    expect(values).toEqual(['A', 'B']);
  });

  test('reads prefix operators over the leaves that follow', () => {
    const { sql } = compile('res.partner', ['|', ['name', '=', 'A'], '!', ['name', '=', 'B'], ['id', '>', 3]]);
    expect(sql).toBe('((t."name" = $1::text OR (NOT t."name" = $2::text)) AND t."id" > $3::bigint)');
  });

  test('keeps values out of the text, whatever they hold', () => {
    const nasty = "'; DROP TABLE res_partner; --";
    const { sql, values } = compile('res.partner', [['name', 'ilike', nasty]]);
    expect(sql).toBe('t."name"::text ILIKE $1');
    expect(values).toEqual([`%${nasty}%`]);
  });

  test('treats False as no value', () => {
    expect(compile('sale.order', [['client_order_ref', '=', false]]).sql).toBe('(t."client_order_ref" IS NULL)');
    expect(compile('sale.order', [['client_order_ref', '!=', false]]).sql).toBe('(NOT (t."client_order_ref" IS NULL))');
    expect(compile('res.partner', [['active', '=', false]]).sql).toBe('(t."active" IS NULL OR t."active" = FALSE)');
  });

  test('finds rows without a value by != and not in', () => {
    expect(compile('sale.order', [['state', '!=', 'sale']]).sql).toBe('(t."state" IS NULL OR t."state" != $1::text)');
    expect(compile('sale.order', [['state', 'not in', ['sale']]]).sql).toBe(
      '(t."state" IS NULL OR NOT (t."state" = ANY($1::text[])))',
    );
  });

  test('follows dotted paths through many2one and one2many', () => {
    expect(compile('sale.order', [['partner_id.city', '=', 'Ulm']]).sql).toBe(
      't."partner_id" IN (SELECT x1.id FROM "res_partner" x1 WHERE x1."city" = $1::text)',
    );
    expect(compile('sale.order', [['order_line.product_id', 'in', [4]]]).sql).toBe(
      't.id IN (SELECT x1."order_id" FROM "sale_order_line" x1 WHERE x1."product_id" = ANY($1::bigint[]))',
    );
  });

  test('looks up a many2one by name when it is compared with text', () => {
    expect(compile('sale.order', [['partner_id', 'ilike', 'meier']]).sql).toContain('x1.name::text ILIKE $1');
  });

  test('compares through the template for the inherited fields of a variant', () => {
    expect(compile('product.product', [['name', 'ilike', 'shoe']]).sql).toBe(
      't."product_tmpl_id" IN (SELECT x1.id FROM "product_template" x1 WHERE x1."name"::text ILIKE $1)',
    );
  });

  test('child_of walks the tree of the model', () => {
    expect(compile('stock.quant', [['location_id', 'child_of', 7]]).sql).toContain('WITH RECURSIVE below(id)');
  });

  test('refuses unknown fields with the words of Odoo', () => {
    expect(() => compile('res.partner', [['nofield', '=', 1]])).toThrow(
      "Invalid field res.partner.nofield in leaf ('nofield', '=', 1)",
    );
    expect(() => compile('res.partner', [['name; --', '=', 1]])).toThrow('Invalid field');
    expect(() => compile('res.partner', [['constructor', '=', 1]])).toThrow('Invalid field');
  });

  test('refuses malformed domains', () => {
    expect(() => compile('res.partner', [['name', '=']])).toThrow('Invalid leaf');
    expect(() => compile('res.partner', [['name', 'drop', 1]])).toThrow('Invalid leaf');
    expect(() => compile('res.partner', ['|', ['name', '=', 'A']])).toThrow('malformed');
    expect(() => compile('res.partner', 'name')).toThrow('must be a list');
  });

  test('knows which fields it mentions', () => {
    expect([...mentionedFields(['|', ['active', '=', true], ['partner_id.name', '=', 'x']])]).toEqual(['active', 'partner_id']);
  });
});
