import { z } from 'zod';

export { isAlive, type ProcessIdentity as Owner, processOf, readBootId, thisProcess } from '@firstlight/files';

/** The record of the process that owns something. */
export const ownerSchema = z.object({ pid: z.number().int(), startTicks: z.string(), bootId: z.string() });
