export type Row = Readonly<Record<string, unknown>>;

/** One REPEATABLE READ transaction. */
export interface Transaction {
  query(sql: string, params?: readonly unknown[]): Promise<readonly Row[]>;
  /** Number of rows changed. */
  execute(sql: string, params?: readonly unknown[]): Promise<number>;
  /** Statements that need nothing of each other's answers, sent at once: locks are held for as short as can be. Rows changed by each. */
  executeAll(statements: readonly Statement[]): Promise<readonly number[]>;
}

export interface Statement {
  readonly sql: string;
  readonly params: readonly unknown[];
}

export const num = (row: Row | undefined, column: string): number => Number(row?.[column] ?? 0);
export const str = (row: Row | undefined, column: string): string => String(row?.[column] ?? '');
