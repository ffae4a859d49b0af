import type { Bytes } from '@firstlight/tar';
import type { ImageConfig } from './manifest.ts';

/** One layer of an image, not read yet. */
export interface LayerSource {
  readonly digest: string;
  /** What the digest is of: the bytes as they come, or those that they unpack to. */
  readonly digestOf: 'blob' | 'content';
  /** Of the bytes as they come; null where nothing says so. */
  readonly size: number | null;
  readonly open: () => Promise<Bytes>;
}

/** An image for linux/amd64, found and described, its layers not read yet. */
export interface ImageParts {
  /** What identifies it: the digest of its manifest, or of its configuration where there is no manifest. */
  readonly digest: string;
  readonly config: ImageConfig;
  readonly layers: readonly LayerSource[];
  /** Ends what was opened to read it. */
  readonly close: () => Promise<void>;
}

/** Documents and blobs by digest: a layout, or a registry. */
export interface ContentStore {
  /** The bytes of a document. Errors: `not-found`, `digest-mismatch`. Units: `maxBytes` of it. */
  readonly document: (digest: string, maxBytes: number, kind: 'manifest' | 'blob') => Promise<Uint8Array>;
  readonly blob: (digest: string) => Promise<Bytes>;
}
