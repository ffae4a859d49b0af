import { readFile } from 'node:fs/promises';
import type { RuntimeMachines } from '#core/runtime/machines.ts';
import type { Machine } from '#core/vmm/machine.ts';
import { FirstlightError } from '#shared/errors.ts';
import { setImageAddresses } from './image.ts';
import { hasLease } from './network.ts';

/** The word by which a guest expects nobody at its channel: guest/dev/alone.h. */
const aloneWord = 'firstlight.alone';

/** The word by which a guest seeds itself, as its host may start it while nobody is at its channel. */
const residentWord = 'firstlight.resident';

/**
 * The machine of a guest that serves on a host which starts it by itself. Its firmware is not the one that is made for
 * Ember, which hands no command line on.
 */
export const asResident = (machine: Machine): Machine => ({
  ...machine,
  processor: 'rdrand',
  kernel: machine.kernel && { path: machine.kernel.path, cmdline: residentWord },
});

/** A function that serves in a virtual machine of its own. Errors: MACHINE_UNSUPPORTED without a port; IMAGE_INVALID. */
export const prepareEmberAlone: NonNullable<RuntimeMachines['prepareAlone']> = async ({ image, config, network }) => {
  const [port] = config.ports;
  if (port === undefined) {
    throw new FirstlightError('MACHINE_UNSUPPORTED', `${config.name} serves no port, which a Service needs.`, {
      hint: 'Have it serve HTTP itself: "ports": [{"guest": 8080}] in firstlight.json.',
      details: { subject: config.name },
    });
  }
  const kernel = await readFile(image.path);
  try {
    if (!hasLease(config)) setImageAddresses(kernel, network);
  } catch (cause) {
    throw new FirstlightError('IMAGE_INVALID', `${image.path} is no image with a network.`, {
      hint: 'Remove the image with `firstlight image rm`, and deploy again.',
      details: { subject: image.path },
      cause,
    });
  }
  return { kernel, cmdline: aloneWord, port: port.guest };
};
