import type { RuntimeBundling } from '#core/runtime/images.ts';
import { hasNetwork } from './network.ts';

/** The bundling of functions for Ember. */
export const emberBundling: RuntimeBundling = {
  engine: 'bare',
  runsFunction: () => true,
  ownPaths: () => [],
  networkAsks: () => [],
  optionsInImage: (config) =>
    hasNetwork(config) ? [config.ports.map(({ guest, udp }) => ({ guest, udp })), config.timeoutMs] : [],
};
