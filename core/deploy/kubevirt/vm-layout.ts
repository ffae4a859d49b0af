/** Where things lie in a virtual machine of KubeVirt, and in its image. */

/** KubeVirt's own network behind its NAT: a machine there has the second address, and its gateway the first. */
export const vmNetwork = {
  cidr: '10.0.2.0/24',
  address: '10.0.2.2',
  netmask: '255.255.255.0',
  gateway: '10.0.2.1',
} as const;

export const kernelPathInImage = '/boot/kernel';
export const diskPathInImage = '/disk/root.img';
/** The name of the volume with that disk. */
export const diskName = 'root';

/** The user that KubeVirt's machines run as. */
export const kubevirtUser = 107;
