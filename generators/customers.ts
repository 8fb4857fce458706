import { customerCode } from './codes.ts';
import { createRandom } from './random.ts';
import type { Vocabulary } from './vocabulary.ts';

export interface CustomerRecord {
  readonly code: string;
  readonly name: string;
  /** Under `example.com` (RFC 2606): a message to it never reaches anybody. */
  readonly email: string;
  readonly phone: string;
  readonly street: string;
  readonly city: string;
  readonly zip: string;
}

export function* generateCustomers(count: number, seed: number, words: Vocabulary): Generator<CustomerRecord, void, void> {
  const random = createRandom(seed, 'customers');
  for (let index = 0; index < count; index += 1) {
    const code = customerCode(seed, index);
    yield {
      code,
      name: `${random.pick(words.firstNames)} ${random.pick(words.lastNames)}`,
      email: `${code.toLowerCase()}@example.com`,
      // 555-01xx is set aside for fiction (North American Numbering Plan).
      phone: `+1 ${random.between(201, 989)} 555 01${String(random.below(100)).padStart(2, '0')}`,
      street: `${random.between(1, 2400)} ${random.pick(words.streets)}`,
      city: random.pick(words.cities),
      zip: String(random.between(10_000, 99_999)),
    };
  }
}
