import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { makeTar, type TarInput } from '@firstlight/tar/testing';

export interface ImageInput {
  readonly layers: readonly (readonly TarInput[])[];
  /** The section `config` of the image's configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly architecture?: string;
  readonly variant?: string;
  readonly tag?: string;
  /** The media type of its layers. */
  readonly layerType?: string;
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Writes an OCI layout with these images. Shape: the digest of each one's manifest, in order. */
export async function makeLayout(dir: string, images: readonly ImageInput[]): Promise<string[]> {
  const blobs = join(dir, 'blobs/sha256');
  await mkdir(blobs, { recursive: true });
  const put = async (bytes: Uint8Array, mediaType: string) => {
    const digest = sha256(bytes);
    await writeFile(join(blobs, digest), bytes);
    return { mediaType, digest: `sha256:${digest}`, size: bytes.length };
  };
  const type = (name: string) => `application/vnd.oci.image.${name}`;
  const manifests = [];
  for (const { layers, config = {}, architecture = 'amd64', variant, tag, layerType } of images) {
    const tars = await Promise.all(layers.map((entries) => makeTar(entries)));
    const rootfs = { type: 'layers', diff_ids: tars.map((tar) => `sha256:${sha256(tar)}`) };
    const document = { architecture, os: 'linux', config, rootfs };
    const manifest = {
      schemaVersion: 2,
      mediaType: type('manifest.v1+json'),
      config: await put(Buffer.from(JSON.stringify(document)), type('config.v1+json')),
      layers: await Promise.all(tars.map((tar) => put(gzipSync(tar), layerType ?? type('layer.v1.tar+gzip')))),
    };
    manifests.push({
      ...(await put(Buffer.from(JSON.stringify(manifest)), type('manifest.v1+json'))),
      platform: { os: 'linux', architecture, variant },
      ...(tag !== undefined && { annotations: { 'org.opencontainers.image.ref.name': tag } }),
    });
  }
  await writeFile(join(dir, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(dir, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
  return manifests.map(({ digest }) => digest);
}

/** The first bytes of an ELF program for a machine. Source: the System V ABI, "ELF Header". */
export function elfHead(machine = 0x3e): Uint8Array {
  const head = Buffer.alloc(64);
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  head.writeUInt16LE(2, 16);
  head.writeUInt16LE(machine, 18);
  return head;
}
