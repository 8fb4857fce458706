/** As src/clients/load-on-node-22-12.ts, which the lab may not import: lets the Kubernetes client load on the oldest Node that we support. */
import zlib from 'node:zlib';
import { LabError } from '../processes/lab-error.ts';

const library: { createZstdDecompress?: unknown } = zlib;
library.createZstdDecompress ??= (): never => {
  throw new LabError('the API server answers in zstd, which this Node cannot read', {
    hint: 'use the latest Node 22, or a newer one',
  });
};
