import { z } from 'zod';
import { volumeSchema } from '../model/volume.ts';
import { volumeNameSchema, volumeSizeSchema } from '../model/volume-name.ts';
import { call } from './define.ts';

export const volumeCalls = {
  /** By name. */
  'volumes:list': call(z.strictObject({}), z.array(volumeSchema)),
  /** Makes an empty one; a function's volumes are made when it first runs, too. Errors: ALREADY_EXISTS, DISK_FULL. */
  'volumes:create': call(z.strictObject({ name: volumeNameSchema, sizeMiB: volumeSizeSchema }), volumeSchema),
  /** Removes a volume with all that is in it. Errors: NOT_FOUND; CONFLICT while an instance has it. */
  'volumes:remove': call(z.strictObject({ name: volumeNameSchema }), z.null()),
};

export const volumeEvents = {
  /** A volume came or went. Which instance has one is not announced: `instances:changed` says when to ask. */
  'volumes:changed': z.object({ volumes: z.array(volumeSchema) }),
};
