/** k6 out of its official release archive, checked against the release's own SHA-256 list. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { fromBuffer } from 'yauzl';
import { download } from '../clients/download.ts';
import { HarnessError } from '../errors.ts';

const RELEASES_URL = 'https://github.com/grafana/k6/releases/download';
const DOWNLOAD_DEADLINE_MS = 5 * 60_000;
/** An archive has about 30 MB. */
const MAX_ARCHIVE_BYTES = 200 * 2 ** 20;

export interface ReleaseOptions {
  readonly platform: string;
  readonly arch: string;
  readonly onProgress: (line: string) => void;
  readonly releasesUrl?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface K6Release {
  readonly url: string;
  readonly sha256: string;
  readonly program: Buffer;
}

const PLATFORMS: Readonly<Record<string, string>> = { linux: 'linux', darwin: 'macos', win32: 'windows' };
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** `k6-v2.2.0-linux-amd64.tar.gz`. */
export function releaseName(version: string, platform: string, arch: string): string {
  const system = PLATFORMS[platform];
  const processor = ARCHITECTURES[arch];
  if (system === undefined || processor === undefined)
    throw new HarnessError('ERR_TOOL_MISSING', `there is no k6 release for ${platform}/${arch}`);
  return `k6-v${version}-${system}-${processor}.${system === 'linux' ? 'tar.gz' : 'zip'}`;
}

/**
 * The list comes from the same place as the archive: it shows a damaged or cut download, and an archive swapped alone, not a
 * release that was replaced as a whole.
 * @throws HarnessError
 */
export async function fetchK6Release(version: string, options: ReleaseOptions): Promise<K6Release> {
  const name = releaseName(version, options.platform, options.arch);
  const folder = `${options.releasesUrl ?? RELEASES_URL}/v${version}`;
  const transfer = { timeoutMs: DOWNLOAD_DEADLINE_MS, maxBytes: MAX_ARCHIVE_BYTES, signal: options.signal };
  const sumsUrl = `${folder}/k6-v${version}-checksums.txt`;
  const expected = checksumOf((await download(sumsUrl, transfer)).toString('utf8'), name);
  if (expected === null) throw new HarnessError('ERR_TOOL_MISSING', `${sumsUrl} does not list ${name}`);
  const url = `${folder}/${name}`;
  let shownAtBytes = 0;
  const archive = await download(url, {
    ...transfer,
    onProgress(received, total) {
      if (received - shownAtBytes < 5 * 2 ** 20) return;
      shownAtBytes = received;
      options.onProgress(`downloading ${name}: ${mebibytes(received)}${total === null ? '' : ` of ${mebibytes(total)}`} MiB`);
    },
  });
  const sha256 = createHash('sha256').update(archive).digest('hex');
  if (sha256 !== expected)
    throw new HarnessError('ERR_TOOL_MISSING', `${url} has the SHA-256 ${sha256}, its release says ${expected}: not used`);
  const program = name.endsWith('.zip') ? await programInZip(archive) : programInTar(gunzipSync(archive));
  if (program === null) throw new HarnessError('ERR_TOOL_MISSING', `${url} holds no k6`);
  return { url, sha256, program };
}

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);

/** Lines of `sha256sum`: digest, two spaces, name. */
export function checksumOf(sums: string, name: string): string | null {
  for (const line of sums.split('\n')) {
    const [digest, file] = line.trim().split(/\s+\*?/);
    if (file === name && digest !== undefined && /^[0-9a-f]{64}$/i.test(digest)) return digest.toLowerCase();
  }
  return null;
}

const isProgram = (path: string): boolean => basename(path) === 'k6' || basename(path) === 'k6.exe';

/** ustar: 512-byte headers with name, octal size and type, contents padded to the next block. */
export function programInTar(tar: Buffer): Buffer | null {
  const field = (from: number, length: number) => tar.toString('latin1', from, from + length).split('\0')[0] ?? '';
  for (let at = 0; at + 512 <= tar.length; ) {
    const name = field(at, 100);
    if (name === '') return null;
    const size = Number.parseInt(field(at + 124, 12).trim(), 8);
    if (!Number.isInteger(size)) return null;
    const type = field(at + 156, 1);
    if ((type === '0' || type === '') && isProgram(name)) return tar.subarray(at + 512, at + 512 + size);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return null;
}

export function programInZip(zip: Buffer): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    fromBuffer(zip, { lazyEntries: true }, (openError, file) => {
      if (openError) return reject(openError);
      file.on('error', reject);
      file.on('end', () => resolve(null));
      file.on('entry', (entry) => {
        if (!isProgram(entry.fileName)) return file.readEntry();
        file.openReadStream(entry, (readError, stream) => {
          if (readError) return reject(readError);
          const chunks: Buffer[] = [];
          stream.on('data', (chunk: Buffer) => chunks.push(chunk));
          stream.on('error', reject);
          stream.on('end', () => resolve(Buffer.concat(chunks)));
        });
      });
      file.readEntry();
    });
  });
}
