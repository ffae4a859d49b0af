/** What an archive may ask for before it is taken for a bomb. Units: bytes. */
export interface TarLimits {
  readonly maxEntries: number;
  /** Of the archive when it is unpacked. */
  readonly maxBytes: number;
  /** Unpacked to packed. */
  readonly maxRatio: number;
  /** The ratio says nothing below this: a short run of zeros packs very well. */
  readonly ratioFromBytes: number;
}

/** Container images of a full desktop stay under a tenth of these; gzip packs at most 1030 to 1. */
export const defaultTarLimits: TarLimits = {
  maxEntries: 1_000_000,
  maxBytes: 16 * 1024 ** 3,
  maxRatio: 300,
  ratioFromBytes: 256 * 1024 ** 2,
};
