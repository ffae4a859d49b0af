/** The section `ember` of `firstlight.json`. */
import { z } from 'zod';
import type { ProjectConfig } from '#shared/model/project.ts';
import type { RuntimeOptions } from '#shared/model/runtime-options.ts';

/** The options that only the runtime Ember has. */
const emberConfigSchema = z.strictObject({
  assets: z
    .string()
    .min(1)
    .optional()
    .describe(
      'A folder that the function reads by `node:fs`, as /assets: read only, and found only when it reads. Default: none.',
    ),
  share: z
    .string()
    .min(1)
    .optional()
    .describe(
      'A folder of this machine that the function reads by `node:fs`, as /share, while you work on it: each read has the files as they are then, without a build. Default: none.',
    ),
  network: z
    .discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('user'),
        outbound: z
          .boolean()
          .default(false)
          .describe(
            'Lets the function `fetch`, by HTTP: from the Internet, your local network and, as 10.0.2.2, the services of this machine. Default: only its `ports` are open.',
          ),
        address: z
          .enum(['fixed', 'dhcp'])
          .default('fixed')
          .describe(
            'Where the guest has its address from: a fixed one is there at once; `dhcp` asks the DHCP server of its network, which takes a tenth of a second or more.',
          ),
        nameserver: z
          .ipv4('an IPv4 address such as 10.0.2.3')
          .optional()
          .describe(
            'The name server that `fetch` asks. Default: the DHCP server’s; with a fixed address 10.0.2.3, which asks the one of this machine.',
          ),
      }),
    ])
    .default({ kind: 'user', outbound: false, address: 'fixed' })
    .describe('The network of a function that serves `ports`, or that fetches: user mode, which needs no root.'),
});
export type EmberConfig = z.output<typeof emberConfigSchema>;

/** The options of a project, with all defaults filled in. */
export const emberConfigOf = ({ runtimeOptions }: Pick<ProjectConfig, 'runtimeOptions'>): EmberConfig =>
  emberConfigSchema.parse(runtimeOptions ?? {});

/** The section, in the form that the rest of Firstlight shows and reads. */
export const emberOptions: RuntimeOptions = {
  schema: emberConfigSchema,
  groups: [
    { id: 'network', title: 'Network', paths: ['network'] },
    { id: 'files', title: 'Files', paths: ['assets', 'share'] },
  ],
  hadProgramKeys: false,
};
