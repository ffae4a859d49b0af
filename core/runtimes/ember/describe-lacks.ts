import type { DeployPlace } from '#core/runtime/machines.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import { hasLease, hasOutbound, userNameserver } from './network.ts';
import { emberConfigOf } from './options.ts';

const places = { pod: 'in a pod', host: 'on a libvirt host', alone: 'on KubeVirt' } as const;

/** What a function asks of its network in vain where it is deployed. Shape: sentences for a person. */
export function describeLacks(config: Pick<ProjectConfig, 'ports' | 'runtimeOptions'>, place: DeployPlace): string[] {
  const lacks: string[] = [];
  if (emberConfigOf(config).assets !== undefined) {
    lacks.push(
      `"ember.assets" has no effect ${places[place]}: the guest has no disk there, and reading a file fails with ENODEV. Import the files as text or bytes, or deploy it to Kubernetes on the runtime nanos.`,
    );
  }
  if (emberConfigOf(config).share !== undefined) {
    lacks.push(
      `"ember.share" has no effect ${places[place]}: it is a folder of this machine, and reading a file of it fails with ENODEV. Import the files as text or bytes, or deploy it to Kubernetes on the runtime nanos.`,
    );
  }
  // On a libvirt host the guest has the network that it has here.
  if (hasOutbound(config) && place !== 'host') {
    if (place !== 'alone') {
      lacks.push(
        `"ember.network.outbound" has no effect ${places[place]}: the guest has no network card there, and its fetch fails with ENETDOWN. Send what the function needs in the event, or deploy it to Kubernetes on the runtime nanos.`,
      );
    } else if (!hasLease(config) && emberConfigOf(config).network.nameserver === undefined) {
      lacks.push(
        `fetch finds no names on KubeVirt: ${userNameserver} is the name server of QEMU's own network. Set "ember.network.address" to "dhcp", or "ember.network.nameserver" to the address of the cluster's DNS.`,
      );
    }
  }
  return lacks;
}
