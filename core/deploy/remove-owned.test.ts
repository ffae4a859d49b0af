import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { knativeServices } from './knative/objects.ts';
import { labelsOf } from './names.ts';
import { readParts } from './parts.ts';
import { removeOwned } from './remove-owned.ts';
import { removeFunction } from './revisions.ts';
import { type ObjectServer, openObjectServer, refusal } from './testing/object-server.ts';

let server: ObjectServer;
beforeEach(async () => {
  server = await openObjectServer();
});
afterEach(() => server.close());

const greet = { metadata: { name: 'greet', labels: labelsOf('greet') } };
const template = { spec: { containers: [{ name: 'function', image: 'r/greet@sha256:1' }] } };
/** A user who may read everything, and do with one kind what `verb` is not. */
function deny(verb: string, object: string): void {
  const message = `${object} is forbidden: User "eve" cannot do that`;
  server.refuse = (request) => (request === `${verb} ${object}` ? refusal(403, message) : undefined);
}
const denied = { code: 'CLUSTER_DENIED', message: expect.stringMatching(/is forbidden: User "eve"/) };

describe('an object of a function that may not be deleted', () => {
  it('fails an undeploy of a Knative Service, which runs on', async () => {
    server.put(knativeServices, { ...greet, spec: { template } });
    deny('DELETE', 'services/greet');
    await expect(removeFunction(server.cluster, 'greet')).rejects.toMatchObject(denied);
    expect(server.get(knativeServices, 'greet')).toBeDefined();
  });

  it.each(['horizontalpodautoscalers', 'secrets', 'ingresses', 'httproutes'])('fails an undeploy: %s', async (kind) => {
    const name = kind === 'secrets' ? 'greet-secrets' : 'greet';
    server.put('deployments', { ...greet, spec: { template } });
    server.put(kind, { metadata: { ...greet.metadata, name } });
    deny('DELETE', `${kind}/${name}`);
    await expect(removeFunction(server.cluster, 'greet')).rejects.toMatchObject(denied);
    expect(server.get(kind, name)).toBeDefined();
  });

  it.each(['horizontalpodautoscalers', 'ingresses', 'httproutes'])('fails a deploy without it: %s', async (kind) => {
    server.put(kind, greet);
    deny('DELETE', `${kind}/greet`);
    const { signal } = new AbortController();
    const parts = await readParts(server.cluster, 'greet', signal);
    expect(parts.hasOthers([])).toBe(true);
    await expect(parts.removeOthers([], signal)).rejects.toMatchObject(denied);
  });
});

describe('an object that is not deleted', () => {
  it('may not be looked at: it is none of ours', async () => {
    server.put('ingresses', greet);
    deny('GET', 'ingresses/greet');
    await removeOwned(server.cluster, 'ingresses', 'greet');
    expect(server.asked).toEqual(['GET ingresses/greet']);
  });

  it('is of somebody else', async () => {
    server.put('ingresses', { metadata: { name: 'greet' } });
    await removeOwned(server.cluster, 'ingresses', 'greet');
    expect(server.get('ingresses', 'greet')).toBeDefined();
  });

  it('went away after it was looked at', async () => {
    server.put('ingresses', greet);
    server.refuse = (request) => {
      if (request !== 'DELETE ingresses/greet') return undefined;
      return refusal(404, 'ingresses "greet" not found');
    };
    await removeOwned(server.cluster, 'ingresses', 'greet');
    expect(server.asked.at(-1)).toBe('DELETE ingresses/greet');
  });
});
