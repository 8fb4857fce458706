/** In which form the client wants the answer. */
import { ApiError } from './status.ts';
import type { IncludeObject } from './table.ts';

export type Form = { readonly table: false } | { readonly table: true; readonly includeObject: IncludeObject };

/** Only JSON is spoken: a client that also accepts it (all of them) gets it, whatever else it would like better. */
export function negotiate(accept: string | undefined, query: URLSearchParams): Form {
  const offers = (accept ?? '*/*').split(',').map((offer) =>
    offer
      .trim()
      .split(';')
      .map((part) => part.trim()),
  );
  for (const [type, ...parameters] of offers) {
    if (type !== 'application/json' && type !== '*/*' && type !== 'application/*') continue;
    if (parameters.includes('as=Table')) return { table: true, includeObject: includeObject(query) };
    if (parameters.some((parameter) => parameter.startsWith('as='))) continue;
    return { table: false };
  }
  throw new ApiError(406, 'NotAcceptable', 'only the following media types are accepted: application/json');
}

function includeObject(query: URLSearchParams): IncludeObject {
  const value = query.get('includeObject') ?? 'Metadata';
  if (value === 'None' || value === 'Metadata' || value === 'Object') return value;
  throw ApiError.badRequest(`unrecognized includeObject value: ${JSON.stringify(value)}`);
}
