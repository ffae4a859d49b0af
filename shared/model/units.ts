import { z } from 'zod';

declare const brand: unique symbol;
/** A branded `T` that only the code which knows its meaning may make. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** A span or instant in nanoseconds. Units: integer ns. */
export type Ns = Brand<number, 'Ns'>;
/** An instant of the host's monotonic clock. Units: integer ns since an arbitrary start, the same for all processes of one boot. */
export type HostNs = Brand<number, 'HostNs'>;
/** A count of bytes. */
export type Bytes = Brand<number, 'Bytes'>;

export const ns = (value: number): Ns => Math.round(value) as Ns;
export const hostNs = (value: number): HostNs => Math.round(value) as HostNs;
export const bytes = (value: number): Bytes => value as Bytes;
/** Milliseconds as a fraction. */
export const nsToMs = (value: Ns): number => value / 1e6;

const integer = z.number().int();
export const nsSchema = integer.transform((value) => value as Ns);
export const bytesSchema = integer.nonnegative().transform((value) => value as Bytes);

const brandedId = <Name extends string>(pattern: RegExp) =>
  z
    .string()
    .regex(pattern)
    .transform((value) => value as Brand<string, Name>);

/** The sha256, in hex, of the inputs of an image. */
export const imageIdSchema = brandedId<'ImageId'>(/^[0-9a-f]{64}$/);
/** The sha256, in hex, of the inputs of a bundle. */
export const bundleIdSchema = brandedId<'BundleId'>(/^[0-9a-f]{64}$/);
/** Short and stable: derived from the project's directory. */
export const projectIdSchema = brandedId<'ProjectId'>(/^[0-9a-f]{12}$/);
/** Sorts by time: base-36 milliseconds, a dash, random characters. */
export const runIdSchema = brandedId<'RunId'>(/^[0-9a-z]{8,10}-[0-9a-z]{6}$/);
/** `<function name>-<random>`: also the tail of the libvirt domain's name. */
export const instanceIdSchema = brandedId<'InstanceId'>(/^[a-z0-9][a-z0-9-]{0,80}$/);

export type ImageId = z.output<typeof imageIdSchema>;
export type BundleId = z.output<typeof bundleIdSchema>;
export type ProjectId = z.output<typeof projectIdSchema>;
export type RunId = z.output<typeof runIdSchema>;
export type InstanceId = z.output<typeof instanceIdSchema>;
