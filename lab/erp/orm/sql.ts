/** Collects the parameters of one statement. Values never become part of the text; identifiers come from the registry only. */
export class SqlParams {
  readonly values: unknown[] = [];
  add(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}

/** Identifiers are ours, but a typo must not become SQL. */
export function ident(name: string): string {
  if (!/^[a-z_][a-z0-9_]*$/.test(name)) throw new Error(`not an identifier of the registry: ${name}`);
  return `"${name}"`;
}

let counter = 0;
/** Fresh alias, so that nested sub-selects never clash; wraps so that statement texts stay few enough to be prepared. */
export function resetAliases(): void {
  counter = 0;
}
export function nextAlias(): string {
  counter += 1;
  return `x${counter}`;
}
