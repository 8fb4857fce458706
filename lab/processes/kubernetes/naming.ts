/** Names and UIDs in the forms Kubernetes gives them. */
import { createHash, randomInt, randomUUID } from 'node:crypto';
import { isObject } from './json.ts';

/** Without vowels and look-alikes, so that no word comes out by chance. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

export function newUid(): string {
  return randomUUID();
}

export function randomSuffix(length = 5): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
}

/** Keys in order, so that the order in which a client wrote them does not count. */
function inOrder(_key: string, value: unknown): unknown {
  return isObject(value)
    ? Object.fromEntries(Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1)))
    : value;
}

/** The `pod-template-hash`: the same template, the same hash. */
export function templateHash(template: unknown): string {
  const digest = createHash('sha256').update(JSON.stringify(template, inOrder)).digest();
  return Array.from(digest.subarray(0, 10), (byte) => alphabet[byte % alphabet.length]).join('');
}
