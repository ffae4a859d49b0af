import type { MountedVolume } from '#shared/model/program.ts';

/**
 * A volume as an instance gets it: a disk of its own, which the root's `mounts` names by its label.
 *
 * Source: a guest mounts it on a directory that the root has already; seen: without one the kernel says `mount point not found` on the
 * console, and the program starts without its volume.
 */
export interface PreparedVolume {
  readonly name: string;
  /** A raw image. */
  readonly path: string;
  readonly label: string;
  /** Where the guest mounts it. */
  readonly mount: string;
}

/** An instance that wants a volume. Shape: `dir` is a directory of its own that is there for as long as it is. */
export interface VolumeHolder {
  /** Its name for a person. */
  readonly instance: string;
  readonly dir: string;
}

/** Gives instances the volumes that their configuration names. */
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
