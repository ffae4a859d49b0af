import { pack } from 'tar-stream';

/** An entry in a test: omitted fields are those of a plain file. */
export interface TarInput {
  readonly name: string;
  readonly type?: 'file' | 'directory' | 'symlink' | 'link' | 'fifo' | 'character-device' | 'block-device';
  /** Default: 0644. */
  readonly mode?: number;
  readonly linkname?: string;
  readonly data?: string | Uint8Array;
  readonly pax?: Readonly<Record<string, string>>;
}

/** The bytes of an archive with these entries, without checks. */
export async function makeTar(entries: readonly TarInput[]): Promise<Buffer> {
  const writer = pack();
  for (const { name, type = 'file', mode = 0o644, linkname, data = '', pax } of entries) {
    const header = {
      name,
      type,
      mode,
      mtime: new Date(0),
      ...(linkname !== undefined && { linkname }),
      ...(pax && { pax }),
    };
    if (type === 'file') writer.entry(header, Buffer.from(data));
    else writer.entry({ ...header, size: 0 });
  }
  writer.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of writer as AsyncIterable<unknown> as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Bytes in pieces, as from a disk or a network. */
export async function* inPieces(bytes: Uint8Array, size = 700): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** A Zstandard frame with uncompressed content. Source: RFC 8878. */
export function storedZstd(content: Buffer): Buffer {
  const blocks: Buffer[] = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x48])];
  for (let at = 0; at < content.length; at += 65_536) {
    const block = content.subarray(at, at + 65_536);
    const isLast = at + block.length >= content.length;
    const header = (block.length << 3) | (isLast ? 1 : 0);
    blocks.push(Buffer.from([header & 0xff, (header >> 8) & 0xff, header >> 16]), block);
  }
  return Buffer.concat(blocks);
}
