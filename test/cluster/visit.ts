import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { TestCluster } from './test-cluster.ts';

/** The answer to a request by way of the cluster's ingress, to the own address of a function: its status and its body. */
export async function visit(cluster: TestCluster, endpoint: string): Promise<string> {
  const headers = { host: new URL(endpoint).host };
  return await new Promise((resolve, reject) => {
    const sent = request({ socketPath: cluster.own?.ingressSocket, path: '/', headers }, (answer) => {
      text(answer).then((body) => resolve(`${answer.statusCode} ${body}`), reject);
    });
    sent.on('error', reject).end();
  });
}
