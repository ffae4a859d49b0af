import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { connect } from 'node-libvirt';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Project } from '#shared/model/project.ts';
import { type Certificates, makeCertificates } from './certificates.ts';
import { createSecondLibvirtd, type SecondLibvirtd, whyNoSecondLibvirtd } from './second-libvirtd.ts';
import { findPort } from './sshd.ts';
import { makeHome, openStudio, removeHome, type Studio, until, whyNot } from './studio.ts';

// A busy machine needs long to start a QEMU.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const reason = whyNot() ?? whyNoSecondLibvirtd();
/** A user without rights of its own. */
const nobody = 65534;

describe.skipIf(reason !== null)(`hosts by TLS${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  const there = reason === null ? makeHome() : '';
  let ours: Certificates;
  let others: Certificates;
  let lab: SecondLibvirtd;
  let studio: Studio;
  let project: Project;
  let port: number;
  const call: Studio['client']['call'] = (...args) => studio.client.call(...args);
  const uriOf = (pkipath: string, host = '127.0.0.1') => `qemu+tls://${host}:${port}/system?pkipath=${pkipath}`;
  const virshFails = (uri: string) => spawnSync('virsh', ['-c', uri, 'list'], { stdio: 'ignore' }).status !== 0;

  /** A folder for pkipath: our files, but for those given; null: without that file. */
  function folder(name: string, files: Readonly<Record<string, string | null>> = {}): string {
    const dir = join(home, name);
    mkdirSync(dir, { recursive: true });
    const usual = Object.fromEntries(
      ['cacert.pem', 'clientcert.pem', 'clientkey.pem'].map((file) => [file, join(ours.clientDir, file)]),
    );
    for (const [file, source] of Object.entries({ ...usual, ...files }))
      if (source !== null) copyFileSync(source, join(dir, file));
    return dir;
  }
  const fileWith = (name: string, text: string) => {
    writeFileSync(join(home, name), text);
    return join(home, name);
  };

  /** Makes the host a target, deploys to it, and expects the refusal, which virsh gives as well. */
  async function expectRefusal(uri: string, message: RegExp, hint: RegExp): Promise<void> {
    expect(virshFails(uri)).toBe(true);
    await call('targets:add', { name: 'refused', kind: 'libvirt', uris: [uri] });
    const words = { message: expect.stringMatching(message), hint: expect.stringMatching(hint) };
    await expect(call('deploy:start', { projectId: project.id, target: 'refused' })).rejects.toMatchObject({
      code: 'LIBVIRT_DENIED',
      ...words,
    });
    const checks = await call('targets:test', { target: 'refused' });
    expect(checks).toMatchObject([{ status: 'failed', found: words.message, fix: words.hint }]);
    await call('targets:remove', { target: 'refused' });
  }

  beforeAll(async () => {
    ours = makeCertificates(join(home, 'ours'));
    others = makeCertificates(join(home, 'others'));
    port = await findPort();
    const files = { ca: ours.ca, cert: ours.serverCert, key: ours.serverKey };
    // It finds our home empty, but for its certificates: it is like another host.
    const pki = join(there, 'pki');
    mkdirSync(pki);
    for (const path of Object.values(files)) copyFileSync(path, join(pki, path.slice(path.lastIndexOf('/') + 1)));
    const at = (file: string) => join(pki, file);
    const tls = { port, ca: at('cacert.pem'), cert: at('servercert.pem'), key: at('serverkey.pem') };
    lab = createSecondLibvirtd(there, { hidden: [home], tls });
    await lab.start();
    studio = await openStudio({ home });
    project = await studio.project('greet', 'export default (event) => { console.log("called"); return event.path; };');
  });
  afterAll(async () => {
    await studio?.close();
    lab?.destroyDomains('fn-');
    await lab?.kill();
    for (const dir of [home, there]) removeHome(dir);
  });

  it('get a function, which answers and shows what it prints', async () => {
    await call('targets:add', { name: 'far', kind: 'libvirt', uris: [uriOf(folder('right'))] });
    const checks = await call('targets:test', { target: 'far' });
    expect(checks.find(({ id }) => id.startsWith('reach'))).toMatchObject({ status: 'ok', found: /libvirt/ });
    const done = await call('deploy:start', { projectId: project.id, target: 'far' });
    expect(done).toMatchObject({ revision: 1, answer: { status: 200, body: '"/"' } });
    expect(done.pushedBytes).toBeGreaterThan(0);
    const of = { target: 'far', name: 'greet' };
    expect((await call('deploy:invoke', { ...of, path: '/there' })).body).toBe('"/there"');
    let log = '';
    const stream = studio.client.openStream('deploy:logs', { ...of, follow: false }, (chunk) => {
      log += Buffer.from(chunk).toString('utf8');
    });
    await stream.ended;
    expect(log).toContain('called');
    await call('deploy:remove', of);
  });

  it('are reached again after the daemon has ended', async () => {
    const reconnect = { firstDelayMs: 50, maxDelayMs: 200, attempts: 100 };
    const connection = await connect({ uri: uriOf(folder('right')), reconnect });
    await lab.kill();
    await until('it is lost', () => !connection.connected);
    await lab.start();
    await until('it is back', () => connection.connected, 30_000);
    expect(await connection.uri()).toBe('qemu:///system');
    await connection.close();
  });

  it('refuse what is wrong with our certificate', async () => {
    const missing = folder('without-certificate', { 'clientcert.pem': null, 'clientkey.pem': null });
    await expectRefusal(
      uriOf(missing),
      /does not let us in: our certificate is missing: .*clientcert\.pem/,
      /pkipath=/,
    );
    const keyless = folder('without-key', { 'clientkey.pem': null });
    await expectRefusal(uriOf(keyless), /its private key is missing: .*clientkey\.pem/, /pkipath=/);
    const expired = folder('expired', { 'clientcert.pem': ours.reissue('client', -1) });
    await expectRefusal(uriOf(expired), /our certificate .*expired\/clientcert\.pem has expired on /, /issue it anew/);
    const foreign = folder('foreign', {
      'clientcert.pem': join(others.clientDir, 'clientcert.pem'),
      'clientkey.pem': join(others.clientDir, 'clientkey.pem'),
    });
    await expectRefusal(uriOf(foreign), /does not take our certificate, .*foreign\/clientcert\.pem/, /ca_file/);
  });

  it('are not asked with files that cannot be used, each by name', async () => {
    const unpaired = folder('unpaired', { 'clientkey.pem': join(others.clientDir, 'clientkey.pem') });
    await expectRefusal(
      uriOf(unpaired),
      /key .*unpaired\/clientkey\.pem is not that of .*clientcert\.pem/,
      /both anew/,
    );
    const broken = folder('broken', { 'clientkey.pem': fileWith('text', 'not a key') });
    await expectRefusal(uriOf(broken), /broken\/clientkey\.pem is no private key/, /BEGIN PRIVATE KEY/);
    const encrypted = join(home, 'encrypted.pem');
    const key = join(ours.clientDir, 'clientkey.pem');
    execFileSync('openssl', ['pkey', '-aes256', '-passout', 'pass:word', '-in', key, '-out', encrypted]);
    await expectRefusal(
      uriOf(folder('locked', { 'clientkey.pem': encrypted })),
      /locked.* is encrypted/,
      /openssl pkey/,
    );
    const odd = folder('odd', { 'cacert.pem': fileWith('text', 'not a certificate') });
    await expectRefusal(uriOf(odd), /odd\/cacert\.pem is no certificate/, /BEGIN CERTIFICATE/);
    await expectRefusal(uriOf('/nonexistent'), /authority is missing: \/nonexistent\/cacert\.pem/, /pkipath=/);
  });

  it('are refused with a certificate that is not theirs, not of our authority, revoked or expired', async () => {
    await expectRefusal(
      uriOf(folder('right'), 'localhost'),
      /has a certificate that does not name it: .*localhost/,
      /subjectAltName/,
    );
    const other = folder('other-authority', { 'cacert.pem': others.ca });
    await expectRefusal(uriOf(other), /not of the authority in .*other-authority\/cacert\.pem/, /Copy the certificate/);
    const revoked = folder('revoked', { 'cacrl.pem': ours.revokeServer() });
    await expectRefusal(uriOf(revoked), /is revoked by .*revoked\/cacrl\.pem/, /issued anew/);

    await lab.kill();
    copyFileSync(ours.reissue('server', -1), join(there, 'pki/servercert.pem'));
    await lab.start();
    await expectRefusal(uriOf(folder('right')), /has a certificate that has expired/, /servercert\.pem there/);
    await lab.kill();
    copyFileSync(ours.serverCert, join(there, 'pki/servercert.pem'));
    await lab.start();
  });

  /** What our client and virsh make of a URI without pkipath, with a folder in place of /etc/pki, as a user. */
  async function connectAs(uid: number, userHome: string, etcPki: string): Promise<{ ours: string; virsh: boolean }> {
    const real = join(home, 'etc');
    mkdirSync(real, { recursive: true });
    const program = join(home, 'client.mjs');
    const uri = `qemu+tls://127.0.0.1:${port}/system`;
    const as = `env HOME=${userHome} setpriv --reuid=${uid} --regid=${uid} --clear-groups`;
    const script = [
      'set -e',
      // An /etc of links to the real one, which stays as it is.
      `mount --bind /etc ${real}`,
      'mount -t tmpfs -o mode=755 tmpfs /etc',
      `for entry in ${real}/* ${real}/.[!.]*; do [ ! -e "$entry" ] || ln -s "$entry" /etc/; done`,
      `rm -f /etc/pki; ln -s ${etcPki} /etc/pki`,
      `if ${as} virsh -c ${uri} list >/dev/null 2>&1; then echo reached; else echo refused; fi`,
      `exec ${as} ${process.execPath} ${program} ${uri}`,
    ].join('\n');
    const namespace = ['--mount', '--propagation', 'private', 'sh', '-c', script];
    const { stdout } = await promisify(execFile)('unshare', namespace);
    const [virsh, said = ''] = stdout.trim().split('\n');
    return { ours: said, virsh: virsh === 'reached' };
  }

  it('are reached with the files in the places where virsh looks', async () => {
    const source = `import { connect } from 'node-libvirt';
      const say = (text) => console.log(text);
      await connect({ uri: process.argv[2] }).then(
        async (connection) => { say('reached'); await connection.close(); },
        (error) => say(error.reason + ' ' + error.message + ' ' + error.hint),
      );`;
    const resolveDir = join(import.meta.dirname, '../..');
    await build({
      ...{ stdin: { contents: source, resolveDir }, outfile: join(home, 'client.mjs') },
      ...{ bundle: true, platform: 'node', format: 'esm', conditions: ['source'], logLevel: 'silent' },
    });
    // A user's files, and those of /etc/pki, whose key the owner alone may read.
    const files = folder('places');
    const make = (name: string, list: readonly (readonly [string, string])[], keyOwner = nobody) => {
      const dir = join(home, name);
      mkdirSync(dir);
      for (const [path, file] of list) {
        mkdirSync(join(dir, path, '..'), { recursive: true });
        copyFileSync(join(files, file), join(dir, path));
        if (!path.endsWith('key.pem')) continue;
        chmodSync(join(dir, path), 0o600);
        chownSync(join(dir, path), keyOwner, keyOwner);
      }
      return dir;
    };
    const pair = (dir: string, keyDir = dir) =>
      [
        [`${dir}clientcert.pem`, 'clientcert.pem'],
        [`${keyDir}clientkey.pem`, 'clientkey.pem'],
      ] as const;
    const ca = (dir: string) => [`${dir}cacert.pem`, 'cacert.pem'] as const;
    const users = '.pki/libvirt/';
    const whole = make('user-whole', [ca(users), ...pair(users)]);
    const withoutCa = make('user-without-ca', pair(users));
    const withoutKey = make('user-without-key', [ca(users), [`${users}clientcert.pem`, 'clientcert.pem']]);
    const none = make('user-none', []);
    const system = [ca('CA/'), ...pair('libvirt/', 'libvirt/private/')];
    const etcFor = make('etc-for-user', system);
    const etcOfRoot = make('etc-of-root', system, 0);
    const etcNone = make('etc-none', []);
    const etcCa = make('etc-ca', [ca('CA/')]);

    const reached = { ours: 'reached', virsh: true };
    expect(await connectAs(nobody, whole, etcNone)).toEqual(reached);
    expect(await connectAs(nobody, none, etcFor)).toEqual(reached);
    expect(await connectAs(0, none, etcOfRoot)).toEqual(reached);
    // Each of a user's files counts for itself, and a certificate with its key.
    expect(await connectAs(nobody, withoutCa, etcCa)).toEqual(reached);
    expect(await connectAs(nobody, withoutKey, etcFor)).toEqual(reached);
    // The files of root's home do not count.
    expect(await connectAs(0, whole, etcNone)).toEqual({
      ours: expect.stringMatching(
        /^auth-failed the certificate of the authority is missing: \/etc\/pki\/CA\/cacert\.pem/,
      ),
      virsh: false,
    });
    // A key that only root may read is named, with what to do.
    expect(await connectAs(nobody, none, etcOfRoot)).toEqual({
      ours: expect.stringMatching(
        /^permission-denied .*no permission to read its private key, \/etc\/pki\/libvirt\/private\/clientkey\.pem .*chmod 600/,
      ),
      virsh: false,
    });
  });
});
