/** The limits above which an archive counts as a bomb. Units: bytes. */
export interface TarLimits {
  readonly maxEntries: number;
  /** The size of the unpacked archive. */
  readonly maxBytes: number;
  /** The ratio of unpacked to packed size. */
  readonly maxRatio: number;
  /** The ratio applies only above this size: a short run of zeros packs very well. */
  readonly ratioFromBytes: number;
}

/** Container images of a full desktop stay under a tenth of these; gzip packs at most 1030 to 1. */
export const defaultTarLimits: TarLimits = {
  maxEntries: 1_000_000,
  maxBytes: 16 * 1024 ** 3,
  maxRatio: 300,
  ratioFromBytes: 256 * 1024 ** 2,
};
