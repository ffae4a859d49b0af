// A small ingress for Knative on the test cluster: it marks each KIngress ready, and routes requests by host and share.
import { createServer, request } from 'node:http';

const path = '/apis/networking.internal.knative.dev/v1alpha1/ingresses';
const pollMs = 200;

/**
 * Serves the ingress on a socket. Shape: `api(path, {method, body})` speaks to the API server and gives JSON, or null;
 * `addressesOf(service, namespace)` gives a Service's addresses.
 */
export function serveIngress(socketPath, { api, addressesOf }) {
  const rules = new Map();
  async function readIngresses() {
    const list = await api(path);
    rules.clear();
    for (const ingress of list?.items ?? []) {
      for (const { hosts, http } of ingress.spec.rules) for (const host of hosts) rules.set(host, http.paths[0]);
      if (ingress.status?.observedGeneration !== ingress.metadata.generation) await markReady(ingress);
    }
  }
  async function markReady({ metadata: { namespace, name, generation } }) {
    const at = new Date().toISOString();
    const condition = (type) => ({ type, status: 'True', lastTransitionTime: at });
    const balancer = { ingress: [{ domainInternal: 'ingress.knative-serving.svc.cluster.local' }] };
    const status = {
      observedGeneration: generation,
      conditions: ['LoadBalancerReady', 'NetworkConfigured', 'Ready'].map(condition),
      publicLoadBalancer: balancer,
      privateLoadBalancer: balancer,
    };
    const one = path.replace('/ingresses', `/namespaces/${namespace}/ingresses/${name}/status`);
    await api(one, { method: 'PATCH', body: { status } });
  }
  const poll = () => void readIngresses().finally(() => setTimeout(poll, pollMs));
  poll();

  createServer(async (incoming, answer) => {
    const rule = rules.get((incoming.headers.host ?? '').split(':')[0]);
    const split = rule === undefined ? undefined : choose(rule.splits);
    const [host] = split === undefined ? [] : ((await addressesOf(split.serviceName, split.serviceNamespace)) ?? []);
    if (host === undefined) {
      answer.writeHead(404).end('no such host\n');
      return;
    }
    const headers = { ...incoming.headers, ...rule.appendHeaders, ...split.appendHeaders };
    const { method, url } = incoming;
    const outgoing = request({ host, port: split.servicePort, method, path: url, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    outgoing.on('error', (error) => answer.writeHead(502).end(`${error.message}\n`));
    incoming.pipe(outgoing);
  }).listen(socketPath);
}

function choose(splits) {
  let left = Math.random() * 100;
  for (const split of splits) {
    left -= split.percent ?? 100;
    if (left < 0) return split;
  }
  return splits.at(-1);
}
