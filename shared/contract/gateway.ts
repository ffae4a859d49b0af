import { z } from 'zod';
import { gatewayLimitsSchema, gatewayRequestSchema, gatewaySchema } from '../model/gateway.ts';
import { hostNameSchema } from '../model/host.ts';
import { call } from './define.ts';

export const gatewayCalls = {
  /** The gateway, or null while there is none. */
  'gateway:status': call(z.strictObject({}), gatewaySchema.nullable()),
  /**
   * Serves all open projects by HTTP on loopback, at `/function/<name>`, from zero instances.
   * Errors: CONFLICT when it runs already; PORT_IN_USE; NOT_FOUND for the host.
   */
  'gateway:start': call(
    z.strictObject({
      ...gatewayLimitsSchema.shape,
      /** 0: any free one. */
      port: z.number().int().min(0).max(65_535).default(0),
      /** Where instances run. Default: this machine's libvirt. */
      host: hostNameSchema.optional(),
    }),
    gatewaySchema,
  ),
  /** Refuses new requests, waits for those under way for two seconds, and ends its instances. */
  'gateway:stop': call(z.strictObject({}), z.null()),
};

export const gatewayEvents = {
  /** It was started or stopped, a function has more or fewer instances, or has answered. */
  'gateway:changed': z.object({ gateway: gatewaySchema.nullable() }),
  'gateway:answered': z.object({ request: gatewayRequestSchema }),
};
