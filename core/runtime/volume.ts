import type { MountedVolume } from '#shared/model/program.ts';

/**
 * A volume of an instance: its own disk, which the root's `mounts` names by its label.
 *
 * Source: a guest mounts it on a directory that the root has already; seen: without one the kernel prints `mount point
 * not found` on the console, and the program starts without its volume.
 */
export interface PreparedVolume {
  readonly name: string;
  /** A raw image. */
  readonly path: string;
  readonly label: string;
  /** The path where the guest mounts it. */
  readonly mount: string;
}

/** An instance that needs a volume. Shape: `dir` is the instance's own directory, with the same lifetime. */
export interface VolumeHolder {
  /** Its name for a person. */
  readonly instance: string;
  readonly dir: string;
}

/** Gives instances the volumes named in their configuration. */
export interface VolumeProvider {
  /**
   * The volumes of a function for one instance. Missing ones are created, and all belong to the instance until it is gone.
   * A volume that another instance has is waited for briefly, since that instance may be about to end.
   *
   * Errors: CONFLICT names the instance that has one of them; CANCELLED; DISK_FULL, STORE_UNUSABLE.
   */
  readonly prepare: (
    volumes: Readonly<Record<string, MountedVolume>>,
    holder: VolumeHolder,
    signal?: AbortSignal,
  ) => Promise<PreparedVolume[]>;
}
