// One locale of it: the whole of faker takes eight times as long to load.
import { faker } from '@faker-js/faker/locale/en';

/**
 * Words drawn from faker once; records are put together from them. A call of faker costs microseconds and a record needs ten,
 * so drawing anew for each record would make faker the whole cost.
 */
export interface Vocabulary {
  readonly firstNames: readonly string[];
  readonly lastNames: readonly string[];
  readonly streets: readonly string[];
  readonly cities: readonly string[];
  readonly adjectives: readonly string[];
  readonly materials: readonly string[];
  readonly products: readonly string[];
  readonly colors: readonly string[];
  readonly departments: readonly string[];
  readonly expenses: readonly string[];
}

export function drawVocabulary(seed: number): Vocabulary {
  faker.seed(seed);
  const draw = (count: number, one: () => string): readonly string[] => [...new Set(Array.from({ length: count }, one))];
  return {
    firstNames: draw(400, () => faker.person.firstName()),
    lastNames: draw(400, () => faker.person.lastName()),
    streets: draw(300, () => faker.location.street()),
    cities: draw(200, () => faker.location.city()),
    adjectives: draw(100, () => faker.commerce.productAdjective()),
    materials: draw(60, () => faker.commerce.productMaterial()),
    products: draw(100, () => faker.commerce.product()),
    colors: draw(40, () => faker.color.human()),
    departments: draw(80, () => faker.commerce.department()),
    expenses: draw(20, () => faker.finance.transactionType()).concat('rent', 'energy', 'wages', 'freight', 'fees'),
  };
}
