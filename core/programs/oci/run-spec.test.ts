import type { ImageConfig } from '@firstlight/oci';
import { elfHead } from '@firstlight/oci/testing';
import { createPathTree } from '@firstlight/tar';
import { describe, expect, it } from 'vitest';
import { makeRunSpec } from './run-spec.ts';

type Config = NonNullable<ImageConfig['config']>;

function specOf(
  config: Partial<Config>,
  files: Readonly<Record<string, string | Uint8Array>> = {},
  links: Readonly<Record<string, string>> = {},
) {
  const tree = createPathTree();
  const add = (path: string, data: Uint8Array) =>
    tree.add(path, { kind: 'file', content: { kind: 'bytes', data }, bytes: data.length });
  add('/usr/bin/node', elfHead());
  add('/usr/bin/env', elfHead());
  add('/bin/busybox', elfHead());
  tree.add('/bin/sh', { kind: 'symlink', target: '/bin/busybox' });
  for (const [path, data] of Object.entries(files)) add(path, Buffer.from(data));
  for (const [path, target] of Object.entries(links)) tree.add(path, { kind: 'symlink', target });
  return makeRunSpec({ os: 'linux', architecture: 'amd64', config }, tree, async ({ content }) =>
    content.kind === 'bytes' ? content.data : new Uint8Array(0),
  );
}
const codes = (spec: Awaited<ReturnType<typeof specOf>>) => spec.warnings.map(({ code }) => code);

describe('the program of an image', () => {
  it('is its entry point with its command, found on its PATH', async () => {
    const spec = await specOf({
      Entrypoint: ['node'],
      Cmd: ['server.js', '--port', '80'],
      Env: ['PATH=/opt/bin:/usr/bin', 'EMPTY=', 'no name=x', 'A=b=c'],
      WorkingDir: '/srv',
      ExposedPorts: { '9000/tcp': {}, '53/udp': {}, '443': {} },
    });
    expect(spec).toEqual({
      program: '/usr/bin/node',
      argv0: 'node',
      args: ['server.js', '--port', '80'],
      env: { PATH: '/opt/bin:/usr/bin', EMPTY: '', 'no name': 'x', A: 'b=c' },
      home: null,
      cwd: '/srv',
      port: 443,
      volumes: [],
      warnings: [],
    });
  });

  it('has the environment as written, whatever the names are made of', async () => {
    const Env = ['discovery.type=single-node', 'my-app-mode=on', 'EMPTY=', 'EQ=a=b', 'NOVALUE', '=x'];
    expect((await specOf({ Cmd: ['/usr/bin/node'], Env })).env).toEqual({
      'discovery.type': 'single-node',
      'my-app-mode': 'on',
      EMPTY: '',
      EQ: 'a=b',
    });
  });

  it('is called by the name that the image has, not by what that leads to', async () => {
    const spec = await specOf({ Entrypoint: ['/bin/called', 'hi'] }, {});
    expect(spec.program).toBeNull();
    const busybox = await specOf({ Entrypoint: ['echo', 'hi'], Env: ['PATH=/links'] }, { '/links/echo': elfHead() });
    expect(busybox).toMatchObject({ program: '/links/echo', argv0: 'echo', args: ['hi'] });
  });

  it.each([
    [{ Entrypoint: ['/sbin/tini', '--'], Cmd: ['/usr/bin/node', 'a'] }, ['a']],
    [{ Entrypoint: ['/sbin/tini', '-g', '-e', '143', '--', '/usr/bin/node'], Cmd: ['b'] }, ['b']],
    [{ Entrypoint: ['dumb-init', '--rewrite', '15:2'], Cmd: ['node', 'c'] }, ['c']],
  ])('leaves an init out, and says so: %j', async (config, args) => {
    const spec = await specOf(config);
    expect(spec).toMatchObject({ program: '/usr/bin/node', args });
    expect(codes(spec)).toEqual(['init']);
  });

  it.each([
    [['gosu', 'app', 'node', 'a'], {}],
    [['/sbin/su-exec', '1000:1000', '/usr/bin/node', 'a'], {}],
    [['/init', '-s', '--', '/usr/bin/env', '-u', 'X', 'MODE=a=b', 'node', 'a'], { MODE: 'a=b' }],
    [['tini', '--', 'gosu', 'app', 'nice', '-n', '5', 'stdbuf', '-oL', 'node', 'a'], {}],
  ])('leaves out what only starts another program, by whatever name: %j', async (Cmd, env) => {
    const tini = { '/sbin/tini': elfHead() };
    const spec = await specOf({ Cmd, User: 'app' }, tini, { '/init': '/sbin/tini' });
    expect(spec).toMatchObject({ program: '/usr/bin/node', args: ['a'], env });
    expect(codes(spec)).toEqual(['user', 'init']);
  });

  it('keeps a launcher that starts nothing else', async () => {
    expect(await specOf({ Cmd: ['/usr/bin/env'] })).toMatchObject({ program: '/usr/bin/env', warnings: [] });
    expect(await specOf({ Cmd: ['env', 'A=1'] })).toMatchObject({ program: '/usr/bin/env', args: ['A=1'] });
  });

  it('has no HOME from an empty one', async () => {
    expect((await specOf({ Cmd: ['node'], Env: ['HOME=', 'A='] })).env).toEqual({ A: '' });
  });

  it('has the home of its user, as the image lists it', async () => {
    const list = 'root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n';
    const homeOf = async (User: string, files = { '/etc/passwd': list }) =>
      (await specOf({ Cmd: ['node'], User }, files)).home;
    expect(await homeOf('node')).toBe('/home/node');
    expect(await homeOf('1000:1000')).toBe('/home/node');
    expect(await homeOf('')).toBe('/root');
    expect(await homeOf('node', { '/etc/passwd': 'node:x:1:1::no/path:/bin/sh\n' })).toBe('no/path');
    expect(await homeOf('65532')).toBe('/');
    expect((await specOf({ Cmd: ['node'] })).home).toBeNull();
  });

  it('begins a relative working directory at the root, as runc does', async () => {
    const files = { '/srv/app/own': elfHead() };
    const spec = await specOf({ Cmd: ['./own'], WorkingDir: 'srv/app/' }, files);
    expect(spec).toMatchObject({ cwd: '/srv/app', program: '/srv/app/own' });
  });

  it('names the folders that it declares as volumes', async () => {
    const spec = await specOf({ Cmd: ['/usr/bin/node'], Volumes: { '/data': {}, '/var/lib/x': {} } });
    expect(spec.volumes).toEqual(['/data', '/var/lib/x']);
  });

  it('is found from the working directory, and at the end of links', async () => {
    expect((await specOf({ Cmd: ['./own'], WorkingDir: '/srv' }, { '/srv/own': elfHead() })).program).toBe('/srv/own');
    expect((await specOf({ Cmd: ['../../../../usr/bin/node'], WorkingDir: '/srv' })).program).toBeNull();
  });

  it('is the interpreter of a script', async () => {
    const files = { '/app/run.js': '#!/usr/bin/env -S node --enable-source-maps\n', '/app/x': '#! /usr/bin/node -i\n' };
    expect(await specOf({ Entrypoint: ['/app/run.js'], Cmd: ['a'] }, files)).toMatchObject({
      program: '/usr/bin/node',
      args: ['--enable-source-maps', '/app/run.js', 'a'],
    });
    expect(await specOf({ Cmd: ['/app/x'] }, files)).toMatchObject({ args: ['-i', '/app/x'] });
  });

  it('is freed of a shell that only starts one program', async () => {
    const spec = await specOf({ Cmd: ['/bin/sh', '-c', 'exec node "my server.js" --flag'] });
    expect(spec).toMatchObject({ program: '/usr/bin/node', args: ['my server.js', '--flag'] });
    expect(codes(spec)).toEqual(['shell']);
  });

  it('is nothing where a shell is needed, which is said', async () => {
    const spec = await specOf({ Cmd: ['sh', '-c', 'node a.js && node b.js'] });
    expect(spec.program).toBeNull();
    expect(spec.warnings).toMatchObject([
      { code: 'shell', message: expect.stringContaining('node a.js && node b.js') },
    ]);
    expect(codes(await specOf({ Cmd: ['bash'] }))).toEqual(['missing']);
    expect(codes(await specOf({ Cmd: ['sh'] }))).toEqual(['shell']);
    expect(codes(await specOf({ Cmd: ['/bin/busybox', 'sh'] }))).toEqual(['shell']);
    expect((await specOf({ Cmd: ['/bin/busybox', 'httpd'] })).program).toBe('/bin/busybox');
  });

  it('is what a script starts that does nothing else', async () => {
    const script = `#!/bin/sh\n# Starts it.\nset -eu\nexport MODE="\${MODE:-production}"\ncd /srv\nexec node "$@" # last\n`;
    const spec = await specOf({ Entrypoint: ['/run.sh'], Cmd: ['a b.js'] }, { '/run.sh': script });
    expect(spec).toMatchObject({
      ...{ program: '/usr/bin/node', argv0: 'node', args: ['a b.js'], cwd: '/srv', env: { MODE: 'production' } },
    });
    expect(spec.warnings[0]?.message).toContain('through the script /run.sh');
    const given = await specOf({ Entrypoint: ['/run.sh'], Env: ['MODE=test'] }, { '/run.sh': script });
    expect(given.env).toEqual({ MODE: 'test' });
  });

  it('has the values of the image where a shell fills them in', async () => {
    const Env = ['PORT=8080', 'OPTS=a b'];
    const spec = await specOf({
      Cmd: ['sh', '-c', `exec node server.js --port $PORT --host "\${HOST:-::}" "$OPTS"`],
      Env,
    });
    expect(spec.args).toEqual(['server.js', '--port', '8080', '--host', '::', 'a b']);
    expect(spec.warnings[0]?.message).toContain('$PORT and $HOST and $OPTS have their values from the image');
    // A shell makes two words of it.
    expect((await specOf({ Cmd: ['sh', '-c', 'node $OPTS'], Env })).args).toEqual(['a', 'b']);
  });

  it('is freed of a shell, an init and a shell again', async () => {
    const Cmd = ['sh', '-c', 'ulimit -n 1024 && exec tini -- sh -c "A=1 exec gosu app node x.js"'];
    const spec = await specOf({ Cmd }, { '/sbin/tini': elfHead() });
    expect(spec).toMatchObject({ program: '/usr/bin/node', args: ['x.js'], env: { A: '1' } });
    expect(codes(spec)).toEqual(['shell', 'init', 'shell', 'init']);
  });

  const scripts = (text: object) => ({
    '/app/package.json': JSON.stringify({ scripts: text }),
    '/usr/bin/npm': '#!/usr/bin/env node\n',
  });
  it.each([
    [['npm', 'start'], { start: 'node index.js' }, ['index.js']],
    [
      ['npm', '--silent', 'run', 'serve', '--', '-p', '1'],
      { serve: 'NODE_ENV=production node s.js' },
      ['s.js', '-p', '1'],
    ],
    [['yarn', 'serve', '--port=1'], { serve: 'node s.js' }, ['s.js', '--port=1']],
    [['pnpm', 'start'], { start: 'next start' }, ['/app/node_modules/.bin/next', 'start']],
    [['sh', '-c', 'npm start'], { start: 'npm run serve', serve: 'node s.js' }, ['s.js']],
  ])('is what a package manager starts: %j', async (Cmd, named, args) => {
    const files = {
      ...scripts(named),
      '/app/node_modules/.bin/next': '#!/usr/bin/env node\n',
      '/usr/bin/yarn': 'x',
      '/usr/bin/pnpm': 'x',
    };
    const spec = await specOf({ Cmd, WorkingDir: '/app' }, files);
    expect(spec).toMatchObject({ program: '/usr/bin/node', args, cwd: '/app' });
    expect(spec.env.PATH).toBeUndefined();
  });

  it('is the server of npm start without a script, and the package manager for all else', async () => {
    const Cmd = ['npm', 'start'];
    const files = { ...scripts({}), '/app/server.js': '' };
    expect((await specOf({ Cmd, WorkingDir: '/app' }, files)).args).toEqual(['server.js']);
    expect((await specOf({ Cmd: ['npm', 'ci'], WorkingDir: '/app' }, files)).args).toEqual(['/usr/bin/npm', 'ci']);
    const piped = await specOf({ Cmd, WorkingDir: '/app' }, scripts({ start: 'node a | tee log' }));
    expect(piped.program).toBeNull();
    expect(piped.warnings[0]?.message).toContain('"node a | tee log" through npm');
  });

  it('is the command when the entry point is a script that leads to it', async () => {
    const files = {
      '/usr/local/bin/docker-entrypoint.sh': '#!/bin/sh\nif [ "$1" = node ]; then chown x; fi\nexec "$@"\n',
    };
    const spec = await specOf({ Entrypoint: ['docker-entrypoint.sh'], Cmd: ['node', 'a.js'] }, files);
    expect(spec).toMatchObject({ program: '/usr/bin/node', args: ['a.js'] });
    expect(spec.warnings[0]?.message).toContain('docker-entrypoint.sh, which needs a shell');
    expect((await specOf({ Entrypoint: ['docker-entrypoint.sh'] }, files)).program).toBeNull();
  });

  it('is warned of when it is for another processor, missing, or no program', async () => {
    expect(codes(await specOf({ Cmd: ['/arm'] }, { '/arm': elfHead(0xb7) }))).toEqual(['architecture']);
    expect(codes(await specOf({ Cmd: ['/text'] }, { '/text': 'hello' }))).toEqual(['architecture']);
    expect(codes(await specOf({ Cmd: ['none'] }))).toEqual(['missing']);
    expect(codes(await specOf({}))).toEqual(['missing']);
    expect(codes(await specOf({ Cmd: ['/loop'] }, { '/loop': '#!/loop\n' }))).toEqual(['missing']);
  });

  it('runs as no user', async () => {
    expect(codes(await specOf({ Cmd: ['node'], User: '1000:1000' }))).toEqual(['user']);
    expect(codes(await specOf({ Cmd: ['node'], User: 'root' }))).toEqual([]);
  });
});
