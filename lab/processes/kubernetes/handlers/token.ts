/** `kubectl create token`: a token of a service account. It lasts as long as the lab does, whatever was asked for. */
import { timestamp } from '../clock.ts';
import type { ResourceRequest } from '../request.ts';
import { ApiError } from '../status.ts';
import type { HandlerContext } from './context.ts';

const TOLD_LIFETIME_MS = 3_600_000;

export function issueToken({ store, tokens, clock }: HandlerContext, { namespace = '', name = '' }: ResourceRequest): object {
  if (store.get('serviceaccounts', namespace, name) === undefined) throw ApiError.notFound('serviceaccounts', name);
  return {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: { name, namespace, creationTimestamp: timestamp(clock.now()) },
    spec: { audiences: [], expirationSeconds: TOLD_LIFETIME_MS / 1_000 },
    status: {
      token: tokens.issue({ namespace, account: name }),
      expirationTimestamp: timestamp(clock.now() + TOLD_LIFETIME_MS),
    },
  };
}
