import { z } from 'zod';
import { volumeSchema } from '../model/volume.ts';
import { volumeNameSchema, volumeSizeSchema } from '../model/volume-name.ts';
import { call } from './define.ts';

export const volumeCalls = {
  /** By name. */
  'volumes:list': call(z.strictObject({}), z.array(volumeSchema)),
  /** Creates an empty volume; a function's first run also creates its volumes. Errors: ALREADY_EXISTS, DISK_FULL. */
  'volumes:create': call(z.strictObject({ name: volumeNameSchema, sizeMiB: volumeSizeSchema }), volumeSchema),
  /** Removes a volume and its content. Errors: NOT_FOUND; CONFLICT while an instance uses it. */
  'volumes:remove': call(z.strictObject({ name: volumeNameSchema }), z.null()),
};

export const volumeEvents = {
  /** A volume was added or removed. A change of its user is not announced: ask again at `instances:changed`. */
  'volumes:changed': z.object({ volumes: z.array(volumeSchema) }),
};
