import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bundle } from '#core/runtime/bundle.ts';
import { type Component, listDebianPackages, listNpmPackages } from './components.ts';
import { writeProvenance } from './provenance.ts';
import { writeCycloneDx, writeSpdx } from './sbom.ts';
import { encodeForSignature, readSigningKey, signImage, signStatement } from './sign.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fl-attest-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const digest = `sha256:${'ab'.repeat(32)}`;
const components: Component[] = [
  { kind: 'library', name: '@a/b', version: '1.0.0', purl: 'pkg:npm/%40a/b@1.0.0', license: 'MIT' },
  { kind: 'library', name: 'odd', version: '2', purl: null, license: 'SEE LICENSE IN file' },
];
const bill = { name: 'r/app', digest, components, createdAt: '2026-01-02T03:04:05.678Z', version: '0.1.0' };

describe('what is in an image', () => {
  it('has every npm package, whichever folder it is nested in', async () => {
    const add = (path: string, description: object) => {
      mkdirSync(join(dir, path), { recursive: true });
      writeFileSync(join(dir, path, 'package.json'), JSON.stringify(description));
    };
    add('node_modules/plain', { version: '1.2.3', license: 'MIT' });
    add('node_modules/plain/node_modules/@scope/inner', { version: '2.0.0-rc+1' });
    const input = (path: string) => ({ path, sha256: '', bytes: 1 });
    const bundle = {
      projectDir: dir,
      inputs: [
        input('handler.ts'),
        input('node_modules/plain/lib/a.js'),
        input('node_modules/plain/lib/b.js'),
        input('node_modules/plain/node_modules/@scope/inner/index.js'),
        input('../elsewhere/node_modules/absent/index.js'),
      ],
    } as unknown as Bundle;
    expect((await listNpmPackages(bundle)).map(({ purl, license }) => [purl, license])).toEqual([
      ['pkg:npm/%40scope/inner@2.0.0-rc%2B1', null],
      ['pkg:npm/absent', null],
      ['pkg:npm/plain@1.2.3', 'MIT'],
    ]);
  });

  it.skipIf(!existsSync('/usr/bin/dpkg-query'))(
    'has the Debian package of each file, also where /usr is merged (needs dpkg-query)',
    async () => {
      const stray = join(dir, 'stray');
      writeFileSync(stray, 'x');
      const files = ['/usr/bin/dpkg-query', realpathSync('/bin/sh'), stray];
      const found = await listDebianPackages(files);
      expect(found.map(({ name }) => name)).toEqual(['dash', 'dpkg', stray]);
      expect(found[1]).toMatchObject({ purl: expect.stringMatching(/^pkg:deb\/[a-z]+\/dpkg@.+\?arch=/) });
    },
  );

  it('is written in CycloneDX', () => {
    expect(writeCycloneDx(bill)).toMatchObject({
      bomFormat: 'CycloneDX',
      serialNumber: expect.stringMatching(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/),
      components: [
        { name: '@a/b', purl: 'pkg:npm/%40a/b@1.0.0', licenses: [{ expression: 'MIT' }] },
        { name: 'odd', licenses: [{ license: { name: 'SEE LICENSE IN file' } }] },
      ],
      dependencies: [{ ref: digest, dependsOn: ['pkg:npm/%40a/b@1.0.0', 'library:odd'] }],
    });
    expect(writeCycloneDx(bill)).toEqual(writeCycloneDx({ ...bill }));
  });

  it('is written in SPDX', () => {
    expect(writeSpdx(bill)).toMatchObject({
      spdxVersion: 'SPDX-2.3',
      creationInfo: { created: '2026-01-02T03:04:05Z', creators: ['Tool: firstlight-0.1.0'] },
      packages: [
        { SPDXID: 'SPDXRef-Image', checksums: [{ algorithm: 'SHA256', checksumValue: 'ab'.repeat(32) }] },
        { licenseDeclared: 'MIT', externalRefs: [{ referenceLocator: 'pkg:npm/%40a/b@1.0.0' }] },
        { licenseDeclared: 'NOASSERTION' },
      ],
      relationships: [
        { relationshipType: 'DESCRIBES' },
        { relationshipType: 'CONTAINS' },
        { relationshipType: 'CONTAINS' },
      ],
    });
  });
});

describe('a signature', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const write = (text: string | Buffer) => {
    const path = join(dir, 'key.pem');
    writeFileSync(path, text);
    return path;
  };

  it('covers the digest and the name of the image', async () => {
    const key = await readSigningKey(write(privateKey.export({ type: 'sec1', format: 'pem' })), {});
    const { bytes, annotations } = signImage(key, 'r/app', digest);
    const signature = Buffer.from(annotations['dev.cosignproject.cosign/signature'] ?? '', 'base64');
    expect(verify('sha256', bytes, publicKey, signature)).toBe(true);
    expect(JSON.parse(Buffer.from(bytes).toString())).toMatchObject({
      critical: { identity: { 'docker-reference': 'r/app' }, image: { 'docker-manifest-digest': digest } },
    });
  });

  it('covers a statement with its type', () => {
    const statement = writeProvenance({
      ...bill,
      functionName: 'app',
      runtime: 'ember',
      bundleId: 'b',
      imageId: 'i',
      commit: 'c'.repeat(40),
    });
    const envelope = signStatement(privateKey, statement) as {
      readonly payload: string;
      readonly payloadType: string;
      readonly signatures: readonly { readonly sig: string }[];
    };
    const payload = Buffer.from(envelope.payload, 'base64');
    const signed = encodeForSignature(envelope.payloadType, payload);
    const signature = Buffer.from(envelope.signatures[0]?.sig ?? '', 'base64');
    expect(verify('sha256', signed, createPublicKey(privateKey), signature)).toBe(true);
    expect(JSON.parse(payload.toString())).toEqual(JSON.parse(JSON.stringify(statement)));
    expect(statement).toMatchObject({
      subject: [{ digest: { sha256: 'ab'.repeat(32) } }],
      predicate: {
        buildDefinition: {
          resolvedDependencies: [{ digest: { gitCommit: 'c'.repeat(40) } }, { uri: 'pkg:npm/%40a/b@1.0.0' }],
        },
      },
    });
  });

  it('takes an encrypted key with its password, and refuses what it cannot use in plain words', async () => {
    const passphrase = 'open';
    const encrypted = write(privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }));
    expect((await readSigningKey(encrypted, { COSIGN_PASSWORD: passphrase })).type).toBe('private');
    await expect(readSigningKey(encrypted, {})).rejects.toMatchObject({
      code: 'BAD_INPUT',
      hint: expect.stringMatching(/COSIGN_PASSWORD/),
    });
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    await expect(readSigningKey(write(rsa.export({ type: 'pkcs8', format: 'pem' })), {})).rejects.toThrow(
      /another kind/,
    );
    await expect(readSigningKey(write('-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----'), {})).rejects.toThrow(
      /own way/,
    );
    await expect(readSigningKey(write('words'), {})).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await expect(readSigningKey(join(dir, 'absent'), {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
