import type { Bytes } from '@firstlight/tar';
import type { ImageConfig } from './manifest.ts';

/** One layer of an image, not read yet. */
export interface LayerSource {
  readonly digest: string;
  /** The subject of the digest: the transferred bytes, or the unpacked ones. */
  readonly digestOf: 'blob' | 'content';
  /** The size of the transferred bytes; null where it is unknown. */
  readonly size: number | null;
  readonly open: () => Promise<Bytes>;
}

/** An image for linux/amd64, found and described, its layers not read yet. */
export interface ImageParts {
  /** The identity: the digest of its manifest, or of its configuration where there is no manifest. */
  readonly digest: string;
  readonly config: ImageConfig;
  readonly layers: readonly LayerSource[];
  /** Closes its source. */
  readonly close: () => Promise<void>;
}

/** Documents and blobs by digest: a layout, or a registry. */
export interface ContentStore {
  /** The bytes of a document. Errors: `not-found`, `digest-mismatch`. Units: `maxBytes` of it. */
  readonly document: (digest: string, maxBytes: number, kind: 'manifest' | 'blob') => Promise<Uint8Array>;
  readonly blob: (digest: string) => Promise<Bytes>;
}
