import type { RuntimeBundling } from '#core/runtime/images.ts';
import { hasNetwork, hasOutbound } from './network.ts';
import { emberConfigOf } from './options.ts';

/** The bundling of functions for Ember. */
export const emberBundling: RuntimeBundling = {
  engine: 'bare',
  runsFunction: () => true,
  ownPaths: () => [],
  hasFetch: hasOutbound,
  networkAsks: (config) =>
    hasOutbound(config)
      ? [
          {
            kind: 'network',
            subject: 'outbound',
            message: 'Opens connections to the Internet, your local network and the services of this machine.',
          },
        ]
      : [],
  optionsInImage: (config) => {
    if (!hasNetwork(config)) return [];
    const { outbound, address, nameserver = null } = emberConfigOf(config).network;
    return [config.ports.map(({ guest, udp }) => ({ guest, udp })), config.timeoutMs, outbound, address, nameserver];
  },
};
