// KubeVirt's kinds for the test cluster, without KubeVirt: the API server validates and stores their objects, and nobody acts on
// them. `replica-set.schema.json` is the published schema of KubeVirt 1.9 (its OpenAPI document), without descriptions and
// without kinds of device and of placement that no function of ours uses.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const group = 'kubevirt.io';

const makeCrd = (kind, schema) => {
  const plural = `${kind.toLowerCase()}s`;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, plural, singular: kind.toLowerCase() },
      scope: 'Namespaced',
      versions: [
        { name: 'v1', served: true, storage: true, subresources: { status: {} }, schema: { openAPIV3Schema: schema } },
      ],
    },
  };
};

/** Installs the kinds, and waits until they are served. */
export async function installKubevirtKinds(kubectl, dir) {
  const ofSet = JSON.parse(readFileSync(join(here, 'replica-set.schema.json'), 'utf8'));
  const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const crds = [makeCrd('VirtualMachineInstanceReplicaSet', ofSet), makeCrd('VirtualMachineInstance', anything)];
  const path = join(dir, 'kubevirt.json');
  writeFileSync(path, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: crds }));
  await kubectl('apply', '--server-side', '-f', path);
  const names = crds.map(({ metadata }) => `crd/${metadata.name}`);
  await kubectl('wait', '--for=condition=Established', ...names, '--timeout=60s');
}
