/** Errors of the harness itself. A missed objective is data and never thrown. Exit codes are assigned in `src/cli` only. */
export type ErrorCode =
  | 'ERR_USAGE'
  | 'ERR_PLAN_INVALID'
  | 'ERR_PREFLIGHT'
  | 'ERR_GUARD'
  | 'ERR_SELECTOR_EMPTY'
  | 'ERR_BLAST_RADIUS'
  | 'ERR_TARGET_UNREACHABLE'
  | 'ERR_AUTHENTICATION'
  | 'ERR_DATABASE_MISSING'
  | 'ERR_MODEL_MISSING'
  | 'ERR_ODOO_FAULT'
  | 'ERR_KUBERNETES'
  | 'ERR_LITMUS'
  | 'ERR_PATRONI'
  | 'ERR_POSTGRES'
  | 'ERR_REDIS'
  | 'ERR_COMMAND'
  | 'ERR_SECRET_MISSING'
  | 'ERR_TIMEOUT'
  | 'ERR_FAULT_UNSUPPORTED'
  | 'ERR_UNDO_INCOMPLETE'
  | 'ERR_K6_MISSING'
  | 'ERR_K6_VERSION'
  | 'ERR_K6_FAILED'
  | 'ERR_DISK'
  | 'ERR_RUN_FOLDER'
  | 'ERR_LAB'
  | 'ERR_TOOL_MISSING'
  | 'ERR_INTERRUPTED'
  | 'ERR_INTERNAL';

export class HarnessError extends Error {
  readonly code: ErrorCode;
  /** What to do about it, one sentence. */
  readonly hint?: string;
  /** Every problem found, for checks that collect (plan, preflight). */
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown; problems?: readonly Problem[] } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'HarnessError';
    this.code = code;
    if (options.hint !== undefined) this.hint = options.hint;
    this.problems = options.problems ?? [];
  }
}

export interface Problem {
  /** Place: a path in the plan (`faults[0].atMs`), a file and line, a host. */
  readonly at: string;
  readonly message: string;
  readonly hint?: string;
}
