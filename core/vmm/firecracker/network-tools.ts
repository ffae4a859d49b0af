import { accessSync, constants } from 'node:fs';
import { findProgram } from '#core/exec/launch.ts';
import { FirstlightError } from '#shared/errors.ts';
import { unsupported } from '../unsupported.ts';

/** The Debian package of each program that a network is made with. */
const packages = { ip: 'iproute2', nft: 'nftables', slirp4netns: 'slirp4netns', nsenter: 'util-linux' } as const;
const tunPath = '/dev/net/tun';

/** The environment in which these programs are found: a person's PATH may lack the folders of root's. */
export const withSystemPath = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...env,
  PATH: [env.PATH, '/usr/sbin', '/sbin'].filter((part) => part !== undefined && part !== '').join(':'),
});

/** The reason why this user's machines can have no network here, or null. Codes: MACHINE_UNSUPPORTED, TOOL_MISSING. */
export function whyNoNetwork(env: NodeJS.ProcessEnv, uid: number): FirstlightError | null {
  if (uid !== 0) {
    return unsupported(
      'Firecracker',
      'a network',
      'Only root can make its TAP device. libvirt needs none: leave out `--vmm firecracker`.',
    );
  }
  const here = withSystemPath(env);
  const missing = Object.entries(packages).filter(([program]) => findProgram([program], here) === null);
  if (missing.length > 0) {
    const programs = missing.map(([program]) => program).join(' and ');
    const names = missing.map(([, name]) => name).join(' ');
    return new FirstlightError('TOOL_MISSING', `A network in Firecracker needs ${programs}, which is not installed.`, {
      hint: `On Debian and Ubuntu: apt-get install --no-install-recommends ${names}`,
      details: { subject: programs },
    });
  }
  try {
    accessSync(tunPath, constants.R_OK | constants.W_OK);
    return null;
  } catch {
    const hint = 'Load the kernel’s module `tun`, or give this container the device.';
    return unsupported('Firecracker', `a network: ${tunPath} cannot be opened`, hint);
  }
}
