/** A use, in a bundle, of something that a bare engine lacks. */
export interface Lack {
  /** The name of the missing thing: one file is warned of it once. */
  readonly name: string;
  /** Units: UTF-16 units from the start of the bundle. */
  readonly at: number;
  readonly message: string;
  /** True where the code checks that it exists: that file can do without it. */
  readonly asks: boolean;
}
