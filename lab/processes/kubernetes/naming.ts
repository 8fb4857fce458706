/** Names and UIDs in the forms Kubernetes gives them. */
import { createHash, randomInt, randomUUID } from 'node:crypto';

/** Without vowels and look-alikes, so that no word comes out by chance. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

export function newUid(): string {
  return randomUUID();
}

export function randomSuffix(length = 5): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
}

/** The `pod-template-hash`: the same template, the same hash. */
export function templateHash(template: unknown): string {
  const digest = createHash('sha256').update(JSON.stringify(template)).digest();
  return Array.from(digest.subarray(0, 10), (byte) => alphabet[byte % alphabet.length]).join('');
}
