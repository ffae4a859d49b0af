/** How a function is reached from outside its cluster: an Ingress, or a route of a Gateway. Pure. */
import type { Route } from '#shared/model/deploy-section.ts';
import type { KubeMetadata, KubeObject } from './kube/objects.ts';

/** The port of a function's Service. */
const servicePort = 80;
export const gatewayGroup = 'gateway.networking.k8s.io';

/** The address of a route. A Gateway may end TLS itself: its own listeners say so, not the route. */
export const endpointOf = ({ host, path, tlsSecret }: Route): string =>
  `${tlsSecret === undefined ? 'http' : 'https'}://${host}${path === '/' ? '' : path}`;

/** The object of a route. Shape: `metadata` has the name of the function's Service. */
export function makeRoute(metadata: KubeMetadata, route: Route): KubeObject {
  const { name } = metadata;
  const { host, path, ingressClass, gateway, tlsSecret } = route;
  if (gateway !== undefined) {
    const [parent = '', of] = gateway.split('/').reverse();
    const httpRoute = {
      apiVersion: `${gatewayGroup}/v1`,
      kind: 'HTTPRoute',
      metadata,
      spec: {
        parentRefs: [{ name: parent, ...(of !== undefined && { namespace: of }) }],
        hostnames: [host],
        rules: [
          {
            matches: [{ path: { type: 'PathPrefix', value: path } }],
            backendRefs: [{ name, port: servicePort }],
          },
        ],
      },
    };
    return httpRoute;
  }
  const backend = { service: { name, port: { name: 'http' } } };
  const ingress = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata,
    spec: {
      ...(ingressClass !== undefined && { ingressClassName: ingressClass }),
      ...(tlsSecret !== undefined && { tls: [{ hosts: [host], secretName: tlsSecret }] }),
      rules: [{ host, http: { paths: [{ path, pathType: 'Prefix', backend }] } }],
    },
  };
  return ingress;
}
