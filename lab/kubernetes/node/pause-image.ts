/** An image without a registry: a `docker save` archive of one layer, written by hand. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

interface TarFile {
  readonly name: string;
  readonly data: Buffer;
  readonly mode: number;
}

/** A tar archive of files. The same files give the same bytes. */
export function tarOf(files: readonly TarFile[]): Buffer {
  const blocks = files.flatMap(({ name, data, mode }) => [
    tarHeader(name, data.length, mode),
    data,
    Buffer.alloc((512 - (data.length % 512)) % 512),
  ]);
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

function tarHeader(name: string, size: number, mode: number): Buffer {
  const header = Buffer.alloc(512);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;
  header.write(name, 0, 100);
  header.write(octal(mode, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(size, 11), 124);
  header.write(octal(0, 11), 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** An image that runs one static program. */
export function imageOf(tag: string, program: string): Buffer {
  const layer = tarOf([{ name: 'pause', data: readFileSync(program), mode: 0o755 }]);
  const diffId = `sha256:${createHash('sha256').update(layer).digest('hex')}`;
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: { Entrypoint: ['/pause'], User: '65535:65535', Env: ['PATH=/'] },
      rootfs: { type: 'layers', diff_ids: [diffId] },
      history: [{ created: '1970-01-01T00:00:00Z', created_by: 'peakproof' }],
    }),
  );
  const manifest = Buffer.from(JSON.stringify([{ Config: 'config.json', RepoTags: [tag], Layers: ['layer.tar'] }]));
  return tarOf([
    { name: 'manifest.json', data: manifest, mode: 0o644 },
    { name: 'config.json', data: config, mode: 0o644 },
    { name: 'layer.tar', data: layer, mode: 0o644 },
  ]);
}
