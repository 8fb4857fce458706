/** The expensive password check (pbkdf2-sha512), its cache in Redis by (uid, digest), and a short memory of the worker itself. */
import { createHash, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { accessDenied, missingError } from '../rpc/faults.ts';
import type { Cache } from './redis.ts';

const derive = promisify(pbkdf2);
const TTL_SECONDS = 3_600;
const KEY_BYTES = 64;

export async function hashPassword(password: string, rounds: number): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, salt, rounds, KEY_BYTES, 'sha512');
  return `$pbkdf2-sha512$${rounds}$${salt.toString('base64url')}$${hash.toString('base64url')}`;
}

export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const [, scheme, rounds, salt, hash] = stored.split('$');
  if (scheme !== 'pbkdf2-sha512' || !rounds || !salt || !hash) return false;
  const expected = Buffer.from(hash, 'base64url');
  const given = await derive(password, Buffer.from(salt, 'base64url'), Number(rounds), expected.length, 'sha512');
  return timingSafeEqual(given, expected);
}

export interface UserRow {
  readonly uid: number;
  readonly passwordHash: string;
}

export interface UserLookup {
  byId(uid: number): Promise<UserRow | null>;
  byLogin(login: string): Promise<UserRow | null>;
}

export interface PasswordCheckOptions {
  readonly memoryMs: number;
  readonly now: () => number;
}

export class PasswordCheck {
  readonly #cache: Cache;
  readonly #users: UserLookup;
  readonly #options: PasswordCheckOptions;
  readonly #remembered = new Map<string, number>();
  /** Full checks done, for tests and `/lab/busy`. */
  computed = 0;

  constructor(cache: Cache, users: UserLookup, options: PasswordCheckOptions) {
    this.#cache = cache;
    this.#users = users;
    this.#options = options;
  }

  #key(uid: number, password: string): string {
    return `auth:${uid}:${createHash('sha256').update(`${uid}\0${password}`).digest('hex')}`;
  }

  /** Throws AccessDenied for a wrong password, MissingError for an unknown user. */
  async check(uid: number, password: string): Promise<void> {
    const key = this.#key(uid, password);
    const trusted = this.#remembered.get(key);
    if (trusted !== undefined && trusted > this.#options.now()) return;
    const user = await this.#verified(key, password, () => this.#users.byId(uid));
    if (user === 'unknown') throw missingError('res.users', [uid], uid);
    if (user === 'wrong') throw accessDenied();
    if (this.#remembered.size > 1_000) this.#remembered.clear();
    this.#remembered.set(key, this.#options.now() + this.#options.memoryMs);
  }

  /** The uid, or null for a wrong login or password. The worker's own memory is never used: Redis or the full price. */
  async login(login: string, password: string): Promise<number | null> {
    const user = await this.#users.byLogin(login);
    if (!user) {
      // An unknown login costs as much as a wrong password.
      await hashPassword(password, 1_000);
      return null;
    }
    const result = await this.#verified(this.#key(user.uid, password), password, async () => user);
    return result === 'ok' ? user.uid : null;
  }

  async #verified(key: string, password: string, user: () => Promise<UserRow | null>): Promise<'ok' | 'wrong' | 'unknown'> {
    const [cached] = await this.#cache.get([key]);
    if (cached === '1') return 'ok';
    const row = await user();
    if (!row) return 'unknown';
    this.computed += 1;
    if (!(await verifyPassword(password, row.passwordHash))) return 'wrong';
    await this.#cache.set([[key, '1']], TTL_SECONDS);
    return 'ok';
  }
}
