/**
 * undici 8, below @kubernetes/client-node 2, binds `zlib.createZstdDecompress` while it is loaded, which Node 22.12 does not have
 * yet. Import this file before the client: it makes the client load. Nothing calls the stand-in, since we ask for gzip only.
 */
import zlib from 'node:zlib';
import { HarnessError } from '../errors.ts';

const library: { createZstdDecompress?: unknown } = zlib;
library.createZstdDecompress ??= (): never => {
  throw new HarnessError('ERR_KUBERNETES', 'the API server answers in zstd, which this Node cannot read', {
    hint: 'use the latest Node 22, or a newer one',
  });
};
