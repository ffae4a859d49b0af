import type { RuntimeBundling } from '#core/runtime/images.ts';
import { hasNetwork, hasOutbound } from './network.ts';
import { emberConfigOf } from './options.ts';

/** The bundling of functions for Ember. */
export const emberBundling: RuntimeBundling = {
  engine: 'bare',
  runsFunction: () => true,
  ownPaths: (config) => {
    const { assets } = emberConfigOf(config);
    return assets === undefined ? [] : [{ key: 'ember.assets', path: assets }];
  },
  sharedPaths: (config) => {
    const { share } = emberConfigOf(config);
    return share === undefined ? [] : [{ key: 'ember.share', path: share }];
  },
  hasFetch: hasOutbound,
  hasFiles: (config) => {
    const { assets, share } = emberConfigOf(config);
    return assets !== undefined || share !== undefined;
  },
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
    const { assets, share, network } = emberConfigOf(config);
    const { args = [] } = config;
    const own = [
      ...(args.length === 0 ? [] : [{ args }]),
      ...(assets === undefined ? [] : [{ assets }]),
      ...(share === undefined ? [] : [{ share }]),
    ];
    if (!hasNetwork(config)) return own;
    const { outbound, address, nameserver = null } = network;
    return [
      ...own,
      config.ports.map(({ guest, udp }) => ({ guest, udp })),
      config.timeoutMs,
      outbound,
      address,
      nameserver,
    ];
  },
};
