/** Archives of one file, and a server that hands them out as a release page does. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { crc32 } from 'node:zlib';

export function aTar(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write(content.length.toString(8).padStart(11, '0'), 124);
  header.write('0', 156);
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512), Buffer.alloc(1_024)]);
}

/** Stored, not compressed. */
export function aZip(name: string, content: Buffer): Buffer {
  const fields = (signature: number, extra: number) => {
    const head = Buffer.alloc(extra);
    head.writeUInt32LE(signature, 0);
    return head;
  };
  const local = fields(0x04034b50, 30);
  const central = fields(0x02014b50, 46);
  for (const [head, at] of [
    [local, 14],
    [central, 16],
  ] as const) {
    head.writeUInt32LE(crc32(content), at);
    head.writeUInt32LE(content.length, at + 4);
    head.writeUInt32LE(content.length, at + 8);
    head.writeUInt16LE(name.length, at + 12);
  }
  const end = fields(0x06054b50, 22);
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length + name.length, 12);
  end.writeUInt32LE(local.length + name.length + content.length, 16);
  const named = Buffer.from(name);
  return Buffer.concat([local, named, content, central, named, end]);
}

export async function startReleases(
  files: Readonly<Record<string, Buffer>>,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const file = files[(request.url ?? '').split('/').at(-1) ?? ''];
    if (file === undefined) response.writeHead(404).end();
    else response.end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/releases`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
