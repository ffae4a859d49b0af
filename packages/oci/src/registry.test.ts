import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBlobCache } from './blob-cache.ts';
import { openImage } from './open-image.ts';
import { elfHead, makeLayout } from './testing/make-layout.ts';
import { missingPrograms, type Registry, startRegistry } from './testing/start-registry.ts';

const run = promisify(execFile);
const missing = missingPrograms('docker-registry', 'skopeo');
const reason = missing.length === 0 ? '' : ` (skipped: ${missing.join(' and ')} not installed)`;

let base: string;
let count = 0;
const servers: Server[] = [];
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'fl-registry-'));
});
afterAll(async () => {
  for (const server of servers) server.close();
  await rm(base, { recursive: true, force: true });
});

const image = {
  layers: [[{ name: 'bin/server', data: elfHead() }], [{ name: 'etc/own', data: 'own' }]],
  config: { Entrypoint: ['/bin/server'], Env: ['MODE=test'], ExposedPorts: { '9000/tcp': {} } },
  tag: 'v1',
};

/** Opens an image with a separate cache, unless one is given. */
function opener(env: NodeJS.ProcessEnv = {}) {
  const home = join(base, `home-${count++}`);
  const cacheDir = join(home, 'blobs');
  const cache = createBlobCache({ dir: cacheDir });
  const open = async (text: string) => {
    const { files, ...opened } = await openImage(text, { cache, cwd: base, env: { HOME: home, ...env } });
    return { ...opened, tree: files.toFileTree() };
  };
  return { open, cacheDir, home };
}

/** The bcrypt hash of the password `secret`. */
const secretHash = '$2y$05$LEIZuRDT5Nii/k/Pbw3GB.8o9eCyQS6VT72A74vS8ju9v7dfL1Gvm';

/** The test's own server, in place of a registry. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as { port: number }).port}`;
}

describe.skipIf(missing.length > 0)(`a real registry${reason}`, () => {
  let registry: Registry;
  let layoutDir: string;
  beforeAll(async () => {
    registry = await startRegistry(join(base, 'registry'));
    layoutDir = join(base, 'layout');
    await makeLayout(layoutDir, [image]);
    await push(`oci:${layoutDir}:v1`, `${registry.host}/team/app:v1`);
  });
  afterAll(() => registry.stop());

  const push = (from: string, to: string, ...options: string[]) =>
    run('skopeo', ['--insecure-policy', 'copy', ...options, '--dest-tls-verify=false', from, `docker://${to}`]);

  it('gives an image, which is then named by its digest and read from the cache', async () => {
    const { open } = opener();
    const found = await open(`${registry.host}/team/app:v1`);
    expect([...found.tree.keys()]).toEqual(['/bin', '/bin/server', '/etc', '/etc/own']);
    expect(found.config.config).toMatchObject(image.config);
    expect(found.reference).toBe(`docker://${registry.host}/team/app:v1@${found.digest}`);

    const gone = await serve((_, response) => response.writeHead(500).end());
    const again = await open(found.reference.replace(registry.host, gone));
    expect(again.tree).toEqual(found.tree);
  });

  it('gives an image packed with Zstandard', async () => {
    await push(`oci:${layoutDir}:v1`, `${registry.host}/team/zstd:v1`, '--dest-compress-format=zstd', '--format=oci');
    const { tree } = await opener().open(`docker://${registry.host}/team/zstd:v1`);
    expect(tree.has('/etc/own')).toBe(true);
  });

  it('gives what skopeo saves as archives of either kind, packed or not', async () => {
    for (const kind of ['docker-archive', 'oci-archive']) {
      const file = join(base, `${kind}.tar`);
      await run('skopeo', ['--insecure-policy', 'copy', `oci:${layoutDir}:v1`, `${kind}:${file}:own/app:v2`]);
      const { open, cacheDir } = opener();
      const { tree, config } = await open(`${kind}:${file}`);
      expect([...tree.keys()]).toEqual(['/bin', '/bin/server', '/etc', '/etc/own']);
      expect(config.config?.Entrypoint).toEqual(['/bin/server']);
      await run('gzip', ['-f', file]);
      expect((await opener().open(`${kind}:${file}.gz:own/app:v2`)).tree.size).toBe(4);
      expect((await readdir(cacheDir)).filter((name) => name.startsWith('.'))).toEqual([]);
      await expect(open(`${kind}:${file}.gz:other`)).rejects.toMatchObject({ reason: 'not-found' });
    }
  });

  it('says what is not there', async () => {
    const { open } = opener();
    await expect(open(`${registry.host}/team/app:v9`)).rejects.toMatchObject({ reason: 'not-found' });
    await expect(open(`${registry.host}/team/none`)).rejects.toMatchObject({ reason: 'not-found' });
  });

  it('that wants a name and password gets those of docker’s file, and they are in no error', async () => {
    const dir = join(base, 'closed');
    await mkdir(dir);
    await writeFile(
      join(dir, 'htpasswd'),
      `ada:${secretHash}
`,
    );
    const closed = await startRegistry(dir, { auth: { htpasswd: { realm: 'test', path: join(dir, 'htpasswd') } } });
    try {
      const { open, home } = opener();
      await expect(open(`${closed.host}/team/app:v1`)).rejects.toMatchObject({ reason: 'registry-denied' });
      await mkdir(join(home, '.docker'), { recursive: true });
      const auth = Buffer.from('ada:wrong').toString('base64');
      await writeFile(join(home, '.docker/config.json'), JSON.stringify({ auths: { [closed.host]: { auth } } }));
      const failure = await open(`${closed.host}/team/app:v1`).catch((thrown) => thrown);
      expect(failure).toMatchObject({ reason: 'registry-denied' });
      await push(`oci:${layoutDir}:v1`, `${closed.host}/team/app:v1`, '--dest-creds=ada:secret');
      const right = Buffer.from('ada:secret').toString('base64');
      await writeFile(join(home, '.docker/config.json'), JSON.stringify({ auths: { [closed.host]: { auth: right } } }));
      expect((await open(`${closed.host}/team/app:v1`)).tree.size).toBe(4);
      expect(JSON.stringify([failure.message, failure.hint, failure.subject, String(failure.cause)])).not.toContain(
        auth,
      );
    } finally {
      await closed.stop();
    }
  });

  it('behind a proxy that changes a byte is not believed, and nothing is kept', async () => {
    const proxy = await serve(async (request, response) => {
      const answer = await fetch(`http://${registry.host}${request.url}`, {
        headers: request.headers as Record<string, string>,
      });
      const body = Buffer.from(await answer.arrayBuffer());
      if (request.url?.includes('/blobs/') && body[0] === 0x1f) body[20] = (body[20] ?? 0) ^ 0xff;
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' }).end(body);
    });
    const { open, cacheDir } = opener();
    await expect(open(`${proxy}/team/app:v1`)).rejects.toMatchObject({ reason: 'digest-mismatch' });
    expect((await readdir(cacheDir)).filter((name) => !name.endsWith('.json'))).toEqual([]);
  });
});

describe('a registry that is played', () => {
  it('gives a token to who asks as it says, with the password that is known', async () => {
    const seen: string[] = [];
    const host: string = await serve((request, response) => {
      const { authorization = 'none' } = request.headers;
      seen.push(`${request.url} ${authorization}`);
      if (request.url?.startsWith('/token')) return response.end('{"token":"given"}');
      if (authorization === 'Bearer given') return response.writeHead(404).end();
      const ask = `Bearer realm="http://${host}/token",service="played",scope="repository:a/b:pull"`;
      return response.writeHead(401, { 'www-authenticate': ask }).end();
    });
    const { open, home } = opener();
    await mkdir(join(home, '.docker'), { recursive: true });
    await writeFile(join(home, '.docker/config.json'), JSON.stringify({ auths: { [host]: { auth: 'bmFtZTpwYXNz' } } }));
    await expect(open(`${host}/a/b:c`)).rejects.toMatchObject({ reason: 'not-found' });
    expect(seen).toEqual([
      '/v2/a/b/manifests/c none',
      '/token?service=played&scope=repository%3Aa%2Fb%3Apull Basic bmFtZTpwYXNz',
      '/v2/a/b/manifests/c Bearer given',
    ]);
  });

  it('that is busy is asked again, and one that asks for a long wait is an error of its own', async () => {
    const waits = ['0', new Date(0).toUTCString()];
    const host = await serve((_, response) => {
      const wait = waits.shift();
      if (wait === undefined) response.writeHead(404).end();
      else response.writeHead(429, { 'retry-after': wait }).end();
    });
    await expect(opener().open(`${host}/a:b`)).rejects.toMatchObject({ reason: 'not-found' });
    expect(waits).toEqual([]);
    waits.push('3600');
    await expect(opener().open(`${host}/a:b`)).rejects.toMatchObject({
      reason: 'registry-busy',
      message: expect.stringContaining('for 3600 s'),
    });
  });

  it('gets an identity token of docker’s file by exchange, not as a password', async () => {
    const seen: string[] = [];
    const host: string = await serve(async (request, response) => {
      const { authorization = 'none' } = request.headers;
      seen.push(`${request.method} ${request.url} ${authorization} ${await text(request)}`);
      if (request.url === '/token') return response.end('{"access_token":"given"}');
      if (authorization === 'Bearer given') return response.writeHead(404).end();
      return response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${host}/token"` }).end();
    });
    const { open, home } = opener();
    await mkdir(join(home, '.docker'), { recursive: true });
    const auths = { [host]: { auth: 'PHRva2VuPjo=', identitytoken: 'identity' } };
    await writeFile(join(home, '.docker/config.json'), JSON.stringify({ auths }));
    await expect(open(`${host}/a/b:c`)).rejects.toMatchObject({ reason: 'not-found' });
    const form = 'grant_type=refresh_token&client_id=firstlight&scope=repository%3Aa%2Fb%3Apull&refresh_token=identity';
    expect(seen).toEqual([
      'GET /v2/a/b/manifests/c none ',
      `POST /token none ${form}`,
      'GET /v2/a/b/manifests/c Bearer given ',
    ]);
  });

  it('gets no password by naming a token service that is not its own', async () => {
    const seen: string[] = [];
    const foreign = await serve((request, response) => {
      seen.push(request.headers.authorization ?? 'none');
      response.writeHead(401).end();
    });
    const realm = `http://${foreign.replace('127.0.0.1', 'localhost')}/token`;
    const host = await serve((_, response) =>
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="x"` }).end(),
    );
    const { open, home } = opener();
    await mkdir(join(home, '.docker'), { recursive: true });
    await writeFile(join(home, '.docker/config.json'), JSON.stringify({ auths: { [host]: { auth: 'bmFtZTpwYXNz' } } }));
    await expect(open(`${host}/a/b:c`)).rejects.toMatchObject({
      reason: 'registry-denied',
      message: expect.stringContaining('without a login at localhost'),
    });
    expect(seen).toEqual(['none']);
  });

  it('is not followed to plain HTTP on another machine, and its password does not go along', async () => {
    const seen: (string | undefined)[] = [];
    const other = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(404).end();
    });
    const host = await serve((request, response) => {
      if (request.headers.authorization === undefined) {
        return response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      }
      const location = request.url?.endsWith('/away') ? 'http://192.0.2.1/x' : `http://${other}/x`;
      return response.writeHead(307, { location }).end();
    });
    const { open, home } = opener();
    await mkdir(join(home, '.docker'), { recursive: true });
    await writeFile(join(home, '.docker/config.json'), JSON.stringify({ auths: { [host]: { auth: 'bmFtZTpwYXNz' } } }));
    await expect(open(`${host}/a/b:here`)).rejects.toMatchObject({ reason: 'not-found' });
    expect(seen).toEqual([undefined]);
    await expect(open(`${host}/a/b:away`)).rejects.toMatchObject({ reason: 'registry-unreachable' });
  });

  it('that sends no end, no JSON, or a status of trouble gets a clear error', async () => {
    const endless = await serve((_, response) => {
      const timer = setInterval(() => response.write(Buffer.alloc(1 << 20, 'x')), 1);
      response.once('close', () => clearInterval(timer));
    });
    await expect(opener().open(`${endless}/a:b`)).rejects.toMatchObject({ reason: 'invalid' });
    const page = await serve((_, response) => response.end('<html>'));
    await expect(opener().open(`${page}/a:b`)).rejects.toMatchObject({ reason: 'invalid' });
    const ill = await serve((_, response) => response.writeHead(503, { 'retry-after': '0' }).end());
    await expect(opener().open(`${ill}/a:b`)).rejects.toMatchObject({ reason: 'registry-unreachable' });
    const looping = await serve((_, response) => response.writeHead(302, { location: '/again' }).end());
    await expect(opener().open(`${looping}/a:b`)).rejects.toMatchObject({ reason: 'registry-unreachable' });
  });

  it('that is missing is reported, with what works instead', async () => {
    await expect(opener().open('127.0.0.1:1/a:b')).rejects.toMatchObject({
      reason: 'registry-unreachable',
      hint: expect.stringContaining('docker save'),
    });
    await expect(opener().open('docker://registry.invalid/a:b')).rejects.toMatchObject({
      reason: 'registry-unreachable',
    });
  });
});
