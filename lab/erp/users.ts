import type { UserLookup, UserRow } from './cache/passwords.ts';
import type { Database } from './db/database.ts';
import { num, str } from './db/transaction.ts';

/** Password hashes are no field of any model: no RPC can read them. */
export function createUserLookup(database: Database): UserLookup {
  const one = async (where: 'u.id = $1' | 'u.login = $1', value: number | string): Promise<UserRow | null> => {
    const rows = await database.run((tx) =>
      tx.query(`SELECT u.id, p.hash FROM res_users u JOIN lab_user_password p ON p.user_id = u.id WHERE u.active AND ${where}`, [
        value,
      ]),
    );
    const [row] = rows;
    return row ? { uid: num(row, 'id'), passwordHash: str(row, 'hash') } : null;
  };
  return { byId: (uid) => one('u.id = $1', uid), byLogin: (login) => one('u.login = $1', login) };
}
