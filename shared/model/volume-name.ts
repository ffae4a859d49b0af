import { z } from 'zod';

/** The name of a volume. */
export const volumeNameSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,30}$/, 'lower-case letters, digits and dashes');
/** The size of a new volume. Units: MiB. */
export const volumeSizeSchema = z.number().int().min(2).max(1_048_576).default(64);
