export type Row = Readonly<Record<string, unknown>>;

/** One REPEATABLE READ transaction. */
export interface Transaction {
  query(sql: string, params?: readonly unknown[]): Promise<readonly Row[]>;
  /** Number of rows changed. */
  execute(sql: string, params?: readonly unknown[]): Promise<number>;
}

export const num = (row: Row | undefined, column: string): number => Number(row?.[column] ?? 0);
export const str = (row: Row | undefined, column: string): string => String(row?.[column] ?? '');
