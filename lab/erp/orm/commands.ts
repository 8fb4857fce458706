/** x2many commands: 0 create, 1 update, 2 delete, 3 unlink, 4 link, 5 clear, 6 set. */
import { valueError } from '../rpc/faults.ts';
import type { Env } from './env.ts';
import type { FieldSpec, ModelSpec } from './fields.ts';
import { ident } from './sql.ts';
import { asIds, asNumber, isDict, repr, type Vals, type Value } from './value.ts';
import { createRecords, unlinkRecords, writeRecords } from './write.ts';

export interface MultiCommands {
  readonly field: FieldSpec;
  readonly given: readonly { readonly id: number; readonly commands: readonly Value[] }[];
}

type Command = readonly [code: number, id: number, extra: Value];

function parse(command: Value): Command {
  if (typeof command === 'number') return [4, command, false];
  if (!Array.isArray(command) || typeof command[0] !== 'number')
    throw valueError(`Wrong value for x2many command: ${repr(command)}`);
  const [code, id, extra] = command as readonly Value[];
  return [asNumber(code), asNumber(id), extra ?? false];
}

export async function applyCommands(env: Env, model: ModelSpec, all: readonly MultiCommands[]): Promise<void> {
  for (const { field, given } of all) {
    const other = env.models.require(field.relation ?? '');
    const commands = given.flatMap(({ id, commands: list }) => list.map((item) => ({ owner: id, command: parse(item) })));
    await createAll(env, model, field, other, commands);
    for (const { owner, command } of commands) if (command[0] !== 0) await applyOne(env, field, other, owner, command);
  }
}

interface Owned {
  readonly owner: number;
  readonly command: Command;
}

/** All `0` commands of the whole batch become one create of the other model. */
async function createAll(
  env: Env,
  model: ModelSpec,
  field: FieldSpec,
  other: ModelSpec,
  commands: readonly Owned[],
): Promise<void> {
  const fresh = commands.filter(({ command }) => command[0] === 0);
  if (fresh.length === 0) return;
  const inverse = field.type === 'one2many' ? field.inverse : undefined;
  const vals = fresh.map(({ owner, command }): Vals => {
    if (!isDict(command[2])) throw valueError(`Wrong value for ${model.name}: ${repr(command[2])} is not a dict`);
    return inverse ? { ...command[2], [inverse]: owner } : command[2];
  });
  const ids = await createRecords(env, other, vals);
  if (field.link)
    await link(
      env,
      field.link,
      fresh.flatMap(({ owner }, index) => (ids[index] === undefined ? [] : [[owner, ids[index]] as const])),
    );
}

async function applyOne(env: Env, field: FieldSpec, other: ModelSpec, owner: number, command: Command): Promise<void> {
  const [code, id, extra] = command;
  if (code === 1) return await writeRecords(env, other, [id], isDict(extra) ? extra : {});
  if (code === 2) return await unlinkRecords(env, other, [id]);
  if (field.link) return await applyLink(env, field.link, owner, command);
  const inverse = field.inverse ?? '';
  if (code === 4) return await writeRecords(env, other, [id], { [inverse]: owner });
  if (code === 3) return await detach(env, other, inverse, [id]);
  const kept = code === 6 ? asIds(extra) : [];
  const rows = await env.tx.query(`SELECT id FROM ${ident(other.table)} WHERE ${ident(inverse)} = $1::int`, [owner]);
  const current = rows.map((row) => Number(row.id));
  await detach(
    env,
    other,
    inverse,
    current.filter((item) => !kept.includes(item)),
  );
  const added = kept.filter((item) => !current.includes(item));
  if (added.length > 0) await writeRecords(env, other, added, { [inverse]: owner });
}

/** A line without its required owner cannot stay. */
async function detach(env: Env, other: ModelSpec, inverse: string, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return;
  if (other.fields[inverse]?.required) await unlinkRecords(env, other, ids);
  else await writeRecords(env, other, ids, { [inverse]: false });
}

type Link = readonly [string, string, string];

async function applyLink(env: Env, [table, own, foreign]: Link, owner: number, [code, id, extra]: Command): Promise<void> {
  const target = ident(table);
  if (code === 3) await env.tx.execute(`DELETE FROM ${target} WHERE ${ident(own)} = $1 AND ${ident(foreign)} = $2`, [owner, id]);
  if (code === 5 || code === 6) await env.tx.execute(`DELETE FROM ${target} WHERE ${ident(own)} = $1`, [owner]);
  const added = code === 4 ? [id] : code === 6 ? asIds(extra) : [];
  await link(
    env,
    [table, own, foreign],
    added.map((item) => [owner, item] as const),
  );
}

async function link(env: Env, [table, own, foreign]: Link, pairs: readonly (readonly [number, number])[]): Promise<void> {
  if (pairs.length === 0) return;
  await env.tx.execute(
    `INSERT INTO ${ident(table)} (${ident(own)}, ${ident(foreign)}) SELECT * FROM unnest($1::int[], $2::int[]) ON CONFLICT DO NOTHING`,
    [pairs.map((pair) => pair[0]), pairs.map((pair) => pair[1])],
  );
}
