import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFileTree } from '@firstlight/files';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBlobCache } from '../blob-cache.ts';
import { openImage } from '../open-image.ts';
import { parseReference } from '../reference.ts';
import { makeCredentials } from '../registry-auth.ts';
import { elfHead } from '../testing/make-layout.ts';
import { missingPrograms, startRegistry } from '../testing/start-registry.ts';
import { startTokenServer } from '../testing/token-server.ts';
import { writeLayer } from '../write/blob.ts';
import { composeImage } from '../write/compose.ts';
import { pushArtifacts, pushForCosign } from './push-artifact.ts';
import { pushImage } from './push-image.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fl-push-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Bytes that do not compress. */
const noise = (length: number): Uint8Array => randomBytes(length);

async function makeImage(data: Uint8Array) {
  const builder = createFileTree();
  builder.add('/data', { kind: 'file', content: { kind: 'bytes', data }, bytes: data.length });
  const layer = await writeLayer(builder.tree, join(dir, 'blobs'));
  return composeImage({ layers: [layer], settings: { entrypoint: ['/data'] } });
}

const at = (host: string, name = 'team/app') => {
  const reference = parseReference(`docker://${host}/${name}:1`, '/');
  if (reference.kind !== 'registry') throw new Error('no registry');
  return reference;
};
const chunkBytes = 64 << 10;
const anonymous = { credentials: async () => null, chunkBytes };

const lacking = missingPrograms('docker-registry', 'skopeo');

describe.skipIf(lacking.length > 0)(`a real registry (needs docker-registry and skopeo)`, () => {
  it('gets an image in chunks, and nothing of it a second time', async () => {
    const registry = await startRegistry(join(dir, 'registry'));
    try {
      const image = await makeImage(noise((9 * chunkBytes) / 4));
      const first = await pushImage(at(registry.host), image, anonymous);
      expect(first.blobs.map(({ outcome }) => outcome)).toEqual(['uploaded', 'uploaded']);
      const again = await pushImage(at(registry.host), image, anonymous);
      expect(again.blobs.map(({ outcome }) => outcome)).toEqual(['there', 'there']);
      expect(again.sentBytes).toBe(image.manifest.size);
      const mountFrom = { [image.layers[0]?.digest ?? '']: 'team/app' };
      const mounted = await pushImage(at(registry.host, 'other/app'), image, { ...anonymous, mountFrom });
      expect(mounted.blobs[0]?.outcome).toBe('mounted');
      const seen = execFileSync('skopeo', ['inspect', '--tls-verify=false', `docker://${registry.host}/team/app:1`]);
      expect(JSON.parse(seen.toString())).toMatchObject({ Digest: image.manifest.digest, Architecture: 'amd64' });
    } finally {
      await registry.stop();
    }
  });

  it('keeps documents about an image, found by the tag of its digest, and a signature where cosign looks', async () => {
    const registry = await startRegistry(join(dir, 'registry'));
    try {
      const image = await makeImage(noise(100));
      const to = at(registry.host);
      await pushImage(to, image, anonymous);
      interface Read {
        readonly manifests: readonly { readonly artifactType: string }[];
        readonly layers: readonly { readonly digest: string }[];
      }
      const read = async (path: string): Promise<Read> => {
        const answer = await fetch(`http://${registry.host}/v2/team/app/${path}`, { headers });
        return (await answer.json()) as Read;
      };
      const headers = { accept: 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json' };
      const artifact = (artifactType: string) => ({
        artifactType,
        mediaType: artifactType,
        bytes: Buffer.from(JSON.stringify({ about: artifactType })),
      });
      const subject = { mediaType: image.manifest.mediaType, digest: image.manifest.digest, size: image.manifest.size };
      const [first] = await pushArtifacts(to, subject, [artifact('a/one')], anonymous);
      // A second time, and another one: none is lost, none is twice.
      await pushArtifacts(to, subject, [artifact('a/one'), artifact('a/two')], anonymous);
      const tag = image.manifest.digest.replace(':', '-');
      const index = await read(`manifests/${tag}`);
      expect(index.manifests.map(({ artifactType }) => artifactType)).toEqual(['a/one', 'a/two']);
      const manifest = await read(`manifests/${first}`);
      expect(manifest).toMatchObject({ artifactType: 'a/one', subject });
      expect(await read(`blobs/${manifest.layers[0]?.digest}`)).toEqual({ about: 'a/one' });

      const annotations = { 'dev.cosignproject.cosign/signature': 'c2ln' };
      await pushForCosign(to, subject, { kind: 'signature', bytes: Buffer.from('{}'), annotations }, anonymous);
      const seen = execFileSync('skopeo', [
        'inspect',
        '--raw',
        '--tls-verify=false',
        `docker://${registry.host}/team/app:${tag}.sig`,
      ]);
      expect(JSON.parse(seen.toString()).layers[0].annotations).toEqual(annotations);
      expect((await read(`manifests/${tag}`)).manifests).toHaveLength(3);
    } finally {
      await registry.stop();
    }
  });

  it('wants name and password, and says so', async () => {
    const path = join(dir, 'htpasswd');
    writeFileSync(path, 'ada:$2b$04$bNR2dW4Wc0r3Eo0eI3KvIuq.5s0aswWqbQEnaF8/nyvTqQfrY/Wze\n');
    const registry = await startRegistry(join(dir, 'registry'), { auth: { htpasswd: { realm: 'test', path } } });
    try {
      const image = await makeImage(noise(1000));
      await expect(pushImage(at(registry.host), image, anonymous)).rejects.toMatchObject({ reason: 'registry-denied' });
      const credentials = async () => Buffer.from('ada:cluster-test').toString('base64');
      expect((await pushImage(at(registry.host), image, { credentials, chunkBytes })).digest).toBe(
        image.manifest.digest,
      );
    } finally {
      await registry.stop();
    }
  });
});

const tools = missingPrograms('docker-registry', 'openssl');

describe.skipIf(tools.length > 0)(
  'a real registry with a token service on another host (needs docker-registry)',
  () => {
    it('gets name and password through it where a person has allowed that, to push and to pull', async () => {
      const basic = Buffer.from('ada:secret').toString('base64');
      const tokens = await startTokenServer(join(dir, 'tokens'), basic);
      const registry = await startRegistry(join(dir, 'registry'), tokens.auth);
      try {
        const image = await makeImage(elfHead());
        const credentials = async () => basic;
        await expect(pushImage(at(registry.host), image, { credentials, chunkBytes })).rejects.toMatchObject({
          reason: 'registry-denied',
          hint: expect.stringContaining(`firstlight registry allow ${registry.host} ${tokens.origin}`),
        });
        expect(tokens.seen).toEqual([undefined]);
        const tokenService = async (host: string) => (host === registry.host ? tokens.origin : null);
        const pushed = await pushImage(at(registry.host), image, { credentials, tokenService, chunkBytes });
        expect(pushed.digest).toBe(image.manifest.digest);
        const mountFrom = { [image.layers[0]?.digest ?? '']: 'team/app' };
        const access = { credentials, tokenService, chunkBytes, mountFrom };
        const mounted = await pushImage(at(registry.host, 'team/other'), image, access);
        expect(mounted.blobs[0]?.outcome).toBe('mounted');

        const home = join(dir, 'home');
        mkdirSync(join(home, '.docker'), { recursive: true });
        const auths = { [registry.host]: { auth: basic } };
        writeFileSync(join(home, '.docker/config.json'), JSON.stringify({ auths }));
        const pull = (more: object) => {
          const cache = createBlobCache({ dir: join(home, 'blobs') });
          return openImage(`docker://${registry.host}/team/app:1`, { cache, env: { HOME: home }, ...more });
        };
        await expect(pull({})).rejects.toMatchObject({ reason: 'registry-denied' });
        await expect(pull({ tokenService: async () => 'https://other.example' })).rejects.toMatchObject({
          reason: 'registry-denied',
        });
        expect(tokens.seen.slice(-2)).toEqual([undefined, undefined]);
        expect((await pull({ tokenService })).digest).toBe(image.manifest.digest);
      } finally {
        await registry.stop();
        tokens.stop();
      }
    });
  },
);

/** A registry whose faults a test controls. */
class FaultyRegistry {
  readonly received: Buffer[] = [];
  readonly asked: string[] = [];
  /** Answers a request itself; false lets it pass. */
  fault: (request: IncomingMessage, response: ServerResponse, body: Buffer) => boolean = () => false;
  #server: Server | null = null;
  host = '';

  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no address');
    this.host = `127.0.0.1:${address.port}`;
    this.#server = server;
  }

  stop(): void {
    this.#server?.closeAllConnections();
    this.#server?.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const { method = '', url = '' } = request;
    this.asked.push(`${method} ${url.replace(/\?.*/, '')}`);
    if (this.fault(request, response, body)) return;
    if (method === 'HEAD') return void response.writeHead(404).end();
    if (method === 'POST') {
      this.received.length = 0;
      return void response.writeHead(202, { location: '/v2/up/1?state=a' }).end();
    }
    if (method === 'PATCH') {
      this.received.push(body);
      return void response.writeHead(202, { location: '/v2/up/1?state=b', range: `0-${this.bytes - 1}` }).end();
    }
    if (method === 'GET') return void response.writeHead(204, { range: `0-${Math.max(0, this.bytes - 1)}` }).end();
    if (url.startsWith('/v2/up/')) this.received.push(body);
    response.writeHead(201).end();
  }

  get bytes(): number {
    return Buffer.concat(this.received).length;
  }
}

describe('a registry with faults', () => {
  let registry: FaultyRegistry;
  beforeEach(async () => {
    registry = new FaultyRegistry();
    await registry.start();
  });
  afterEach(() => registry.stop());
  const push = async (image: Awaited<ReturnType<typeof makeImage>>, more = {}) =>
    pushImage(at(registry.host), image, { ...anonymous, plainHttp: true, ...more });

  it('that breaks off in the middle of an upload gets the rest of it', async () => {
    const image = await makeImage(noise((9 * chunkBytes) / 4));
    let patches = 0;
    registry.fault = (request, _, body) => {
      if (request.method !== 'PATCH' || ++patches !== 2) return false;
      // Half of the chunk was kept.
      registry.received.push(body.subarray(0, body.length / 2));
      request.socket.destroy();
      return true;
    };
    let wholeLayer: Buffer | null = null;
    const first = registry.fault;
    registry.fault = (request, response, body) => {
      if (request.method === 'PUT' && request.url?.includes(encodeURIComponent(image.layers[0]?.digest ?? ''))) {
        wholeLayer = Buffer.concat([...registry.received, body]);
      }
      return first(request, response, body);
    };
    await push(image);
    expect(registry.asked).toContain('GET /v2/up/1');
    expect((wholeLayer as Buffer | null)?.length).toBe(image.layers[0]?.size);
  });

  it('that names an offset which cannot be begins again', async () => {
    const image = await makeImage(noise((9 * chunkBytes) / 4));
    let broken = false;
    registry.fault = (request, response) => {
      if (request.method === 'PATCH' && !broken) {
        broken = true;
        request.socket.destroy();
        return true;
      }
      if (request.method !== 'GET') return false;
      response.writeHead(204, { range: '0-99999999' }).end();
      return true;
    };
    await push(image);
    expect(registry.asked.filter((line) => line.startsWith('POST'))).toHaveLength(3);
  });

  it('that is asked too often is left alone for as long as it says', async () => {
    const image = await makeImage(noise(100));
    let refusals = 0;
    registry.fault = (request, response) => {
      if (request.method !== 'PUT' || !request.url?.includes('manifests') || ++refusals > 2) return false;
      response.writeHead(429, { 'retry-after': '0' }).end();
      return true;
    };
    expect((await push(image)).digest).toBe(image.manifest.digest);
    expect(refusals).toBe(3);
  });

  it.each([401, 403, 404])('that refuses a mount by %i, or a token for it, gets the bytes', async (status) => {
    const image = await makeImage(noise(100));
    const scopes: string[][] = [];
    registry.fault = (request, response) => {
      const url = new URL(request.url ?? '', 'http://registry');
      if (url.pathname === '/token') {
        scopes.push(url.searchParams.getAll('scope'));
        response.writeHead(scopes.at(-1)?.length === 1 ? 200 : 403).end(JSON.stringify({ token: 't' }));
      } else if (request.headers.authorization === undefined || url.searchParams.has('mount')) {
        const challenge = { 'www-authenticate': `Bearer realm="http://${registry.host}/token"` };
        response.writeHead(request.headers.authorization === undefined ? 401 : status, challenge).end();
      } else return false;
      return true;
    };
    const mountFrom = { [image.layers[0]?.digest ?? '']: 'team/other' };
    const { blobs } = await push(image, { mountFrom });
    expect(blobs.map(({ outcome }) => outcome)).toEqual(['uploaded', 'uploaded']);
    expect(scopes.slice(0, 2)).toEqual([
      ['repository:team/app:pull,push', 'repository:team/other:pull'],
      ['repository:team/app:pull,push'],
    ]);
  });

  it('whose token service is busy is asked again, and a date is a time to wait for', async () => {
    const image = await makeImage(noise(100));
    let asked = 0;
    registry.fault = (request, response) => {
      if (request.url?.startsWith('/token')) {
        asked += 1;
        if (asked === 1) response.writeHead(429, { 'retry-after': new Date(Date.now() - 5000).toUTCString() }).end();
        else response.end(JSON.stringify({ token: 't' }));
        return true;
      }
      if (request.headers.authorization === 'Bearer t') return false;
      response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${registry.host}/token"` }).end();
      return true;
    };
    expect((await push(image, { credentials: async () => 'eDp5' })).digest).toBe(image.manifest.digest);
    expect(asked).toBe(2);
  });

  it.each([
    ['0', 6],
    ['3600', 1],
  ])('that is too busy is an error of its own: Retry-After: %s', async (retryAfter, tries) => {
    let asked = 0;
    registry.fault = (request, response) => {
      if (request.method !== 'PUT' || !request.url?.includes('manifests')) return false;
      asked += 1;
      response.writeHead(429, { 'retry-after': retryAfter }).end();
      return true;
    };
    await expect(push(await makeImage(noise(100)))).rejects.toMatchObject({
      reason: 'registry-busy',
      message: expect.stringContaining('asked too often'),
    });
    expect(asked).toBe(tries);
  });

  it('gets no identity token as a password: it is exchanged', async () => {
    const image = await makeImage(noise(100));
    const seen = new Set<string>();
    let form = new URLSearchParams();
    registry.fault = (request, response, body) => {
      if (request.headers.authorization !== undefined) seen.add(request.headers.authorization);
      if (request.url?.startsWith('/token')) {
        form = new URLSearchParams(`method=${request.method}&${body}`);
        response.end(JSON.stringify({ access_token: 'given' }));
        return true;
      }
      if (request.headers.authorization === 'Bearer given') return false;
      response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${registry.host}/token",service="s"` }).end();
      return true;
    };
    await push(image, { credentials: async () => makeCredentials('<token>', 'identity') });
    expect([...seen]).toEqual(['Bearer given']);
    expect(Object.fromEntries(form)).toEqual({
      method: 'POST',
      service: 's',
      grant_type: 'refresh_token',
      client_id: 'firstlight',
      scope: 'repository:team/app:pull,push',
      refresh_token: 'identity',
    });
  });

  it('that is full says so in its own words', async () => {
    registry.fault = (request, response) => {
      if (request.method !== 'PUT') return false;
      const errors = [{ code: 'DENIED_QUOTA', message: 'the disk is full' }];
      response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ errors }));
      return true;
    };
    await expect(push(await makeImage(noise(100)))).rejects.toMatchObject({
      reason: 'registry-refused',
      message: expect.stringContaining('DENIED_QUOTA: the disk is full'),
    });
  });

  it('renews its token in the middle of a push, and sends credentials nowhere else', async () => {
    const image = await makeImage(noise(100));
    let tokens = 0;
    const elsewhere = new FaultyRegistry();
    await elsewhere.start();
    const seenElsewhere: (string | undefined)[] = [];
    elsewhere.fault = (request, response) => {
      seenElsewhere.push(request.headers.authorization);
      response.writeHead(201).end();
      return true;
    };
    registry.fault = (request, response) => {
      if (request.url?.startsWith('/token')) {
        expect(request.headers.authorization).toBe('Basic YWRhOnNlY3JldA==');
        response.end(JSON.stringify({ token: `t${++tokens}` }));
        return true;
      }
      // Each token is good for two requests.
      const isGood = request.headers.authorization === `Bearer t${tokens}` && tokens > 0;
      if (!isGood || registry.asked.length % 4 === 0) {
        const challenge = `Bearer realm="http://${registry.host}/token"`;
        response.writeHead(401, { 'www-authenticate': challenge }).end();
        return true;
      }
      if (request.method !== 'POST') return false;
      response.writeHead(202, { location: `http://${elsewhere.host}/upload` }).end();
      return true;
    };
    try {
      await push(image, { credentials: async () => 'YWRhOnNlY3JldA==' });
      expect(tokens).toBeGreaterThan(1);
      expect(seenElsewhere).toEqual([undefined, undefined]);
    } finally {
      elsewhere.stop();
    }
  });

  it('that names a token service of another host gets no credentials sent there, and the refusal says so', async () => {
    const foreign = new FaultyRegistry();
    await foreign.start();
    const seen: (string | undefined)[] = [];
    foreign.fault = (request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(401).end();
      return true;
    };
    const realm = `http://${foreign.host.replace('127.0.0.1', 'localhost')}/token`;
    registry.fault = (_, response) => {
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="x"` }).end();
      return true;
    };
    try {
      const pushed = push(await makeImage(noise(100)), { credentials: async () => 'YWRhOnNlY3JldA==' });
      await expect(pushed).rejects.toMatchObject({
        reason: 'registry-denied',
        message: expect.stringContaining('without a login at localhost'),
      });
      expect(seen).toEqual([undefined]);
    } finally {
      foreign.stop();
    }
  });

  it.each(['<html>', '[]', '{"token":7}', '{"token":"a\\nb"}', '{}'])(
    'whose token service answers %s is refused',
    async (answer) => {
      registry.fault = (request, response) => {
        if (request.url?.startsWith('/token')) response.end(answer);
        else response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${registry.host}/token"` }).end();
        return true;
      };
      await expect(push(await makeImage(noise(100)))).rejects.toMatchObject({ reason: 'registry-denied' });
    },
  );
});
