import { z } from 'zod';
import { hostEntrySchema, hostNameSchema, hostSchema } from '../model/host.ts';
import { call } from './define.ts';

export const hostCalls = {
  /** The hosts: this machine's first, then those that were added, by name. A host that does not answer is listed as lost. */
  'hosts:list': call(z.strictObject({}), z.array(hostSchema)),
  /** Adds a libvirt as a host, and connects to it. Errors: ALREADY_EXISTS; BAD_INPUT; the error of the connection. */
  'hosts:add': call(z.strictObject(hostEntrySchema.shape), hostSchema),
  /** Removes a host from the list; its instances keep running. Errors: NOT_FOUND; BAD_INPUT for this machine's. */
  'hosts:remove': call(z.strictObject({ name: hostNameSchema }), z.null()),
};

export const hostEvents = {
  /** A host was added, removed, connected or lost. */
  'hosts:changed': z.object({ hosts: z.array(hostSchema) }),
};
