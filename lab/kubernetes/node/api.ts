/** Asks the API server directly: starting kubectl for every poll would cost a core. */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { LabError } from '../../processes/lab-error.ts';
import { certificateFile, keyFile } from './certificates.ts';

export interface ApiClient {
  /** @throws LabError when the answer is not 2xx, Error when there is none. */
  get(path: string): Promise<unknown>;
}

export function apiClient(server: string, pki: string): ApiClient {
  const options = {
    ca: readFileSync(certificateFile(pki, 'ca')),
    cert: readFileSync(certificateFile(pki, 'admin')),
    key: readFileSync(keyFile(pki, 'admin')),
    timeout: 5_000,
  };
  return {
    get: (path) =>
      new Promise((resolve, reject) => {
        const call = request(`${server}${path}`, options, (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString('utf8');
            const status = response.statusCode ?? 0;
            if (status < 200 || status > 299) reject(new LabError(`GET ${path}: ${status} ${text.slice(0, 200)}`));
            else resolve(text.startsWith('{') ? JSON.parse(text) : text);
          });
        });
        call.on('timeout', () => call.destroy(new Error(`GET ${path}: no answer within 5 s`)));
        call.on('error', reject);
        call.end();
      }),
  };
}
