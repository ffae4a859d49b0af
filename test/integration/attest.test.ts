import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { encodeForSignature } from '#core/deploy/attest/sign.ts';
import { missingPrograms, startRegistry } from '../../packages/oci/src/testing/start-registry.ts';
import { makeHome, openStudio, removeHome, resources, type Studio, whyNot } from './studio.ts';

// A busy machine needs long to pack QEMU.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const lacking = missingPrograms('docker-registry', 'skopeo');
const reason =
  whyNot() ??
  (existsSync(resources.podSupervisorPath) ? null : 'no supervisor of pods') ??
  (lacking.length > 0 ? `no ${lacking.join(', ')}` : null);

/** A kubeconfig that is enough for a target: no request is sent to its cluster. */
const kubeconfig = {
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'none',
  contexts: [{ name: 'none', context: { cluster: 'none', user: 'none' } }],
  clusters: [{ name: 'none', cluster: { server: 'http://127.0.0.1:1' } }],
  users: [{ name: 'none', user: {} }],
};

interface Manifest {
  readonly artifactType?: string;
  readonly subject?: { readonly digest: string };
  readonly layers: readonly { readonly digest: string; readonly annotations?: Readonly<Record<string, string>> }[];
  readonly manifests: readonly { readonly digest: string; readonly artifactType: string }[];
}

describe.skipIf(reason !== null)(`an image in a registry${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signKey = join(home, 'key.pem');
  let registry: Awaited<ReturnType<typeof startRegistry>>;
  let studio: Studio;

  beforeAll(async () => {
    registry = await startRegistry(join(home, 'registry'));
    writeFileSync(join(home, 'kubeconfig'), JSON.stringify(kubeconfig));
    writeFileSync(signKey, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    studio = await openStudio({ home });
    await studio.client.call('targets:add', {
      name: 'files',
      kind: 'kubernetes',
      kubeconfig: join(home, 'kubeconfig'),
      registry: `${registry.host}/team`,
    });
  });
  afterAll(async () => {
    await studio?.close();
    await registry?.stop();
    removeHome(home);
  });

  const fetchFrom = async (path: string) => {
    const accept = 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json';
    const answer = await fetch(`http://${registry.host}/v2/team/greet/${path}`, { headers: { accept } });
    expect([path, answer.status]).toEqual([path, 200]);
    return Buffer.from(await answer.arrayBuffer());
  };
  const manifestOf = async (reference: string): Promise<Manifest> =>
    JSON.parse((await fetchFrom(`manifests/${reference}`)).toString());
  /** The documents about an image, by their types. */
  const documentsOf = async (digest: string) => {
    const documents = new Map<string, Record<string, unknown>>();
    for (const entry of (await manifestOf(digest.replace(':', '-'))).manifests) {
      const manifest = await manifestOf(entry.digest);
      expect(manifest.subject?.digest).toBe(digest);
      const blob = await fetchFrom(`blobs/${manifest.layers[0]?.digest}`);
      documents.set(entry.artifactType, JSON.parse(blob.toString()));
    }
    return documents;
  };

  it('has its bills of materials, its provenance and its signature, which verify', async () => {
    const source = 'import { word } from "tiny-word"; export default () => word;';
    const project = await studio.project('greet', source);
    const packageDir = join(project.dir, 'node_modules/tiny-word');
    mkdirSync(packageDir, { recursive: true });
    writeFileSync(
      join(packageDir, 'package.json'),
      '{"name":"tiny-word","version":"1.2.3","license":"MIT","main":"i.js"}',
    );
    writeFileSync(join(packageDir, 'i.js'), 'exports.word = "hi";');
    const request = { projectId: project.id, target: 'files', signKey } as const;
    const made = await studio.client.call('deploy:manifests', request);
    const [repository = '', digest = ''] = made.image.split('@');
    const first = await documentsOf(digest);

    const spdx = first.get('application/spdx+json') as {
      packages: { externalRefs?: { referenceLocator: string }[] }[];
    };
    const purls = spdx.packages.flatMap(({ externalRefs = [] }) => externalRefs.map((one) => one.referenceLocator));
    expect(purls).toContain('pkg:npm/tiny-word@1.2.3');
    expect(purls.some((purl) => /^pkg:npm\/quickjs-wasi@\d/.test(purl))).toBe(true);
    expect(purls.some((purl) => /^pkg:deb\/[a-z]+\/qemu-system-x86@/.test(purl))).toBe(true);
    expect(purls.some((purl) => /^pkg:deb\/[a-z]+\/libc6@/.test(purl))).toBe(true);
    const cycloneDx = first.get('application/vnd.cyclonedx+json') as { components: { purl?: string; type: string }[] };
    expect(cycloneDx.components.flatMap(({ purl }) => purl ?? [])).toEqual(purls);
    expect(cycloneDx.components.some(({ type }) => type === 'operating-system')).toBe(true);

    const envelope = first.get('application/vnd.dsse.envelope.v1+json') as {
      payload: string;
      payloadType: string;
      signatures: { sig: string }[];
    };
    const payload = Buffer.from(envelope.payload, 'base64');
    const bySignature = (bytes: Uint8Array, signature: string) =>
      verify(
        'sha256',
        bytes,
        createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })),
        Buffer.from(signature, 'base64'),
      );
    expect(bySignature(encodeForSignature(envelope.payloadType, payload), envelope.signatures[0]?.sig ?? '')).toBe(
      true,
    );
    expect(JSON.parse(payload.toString())).toMatchObject({
      subject: [{ digest: { sha256: digest.slice('sha256:'.length) } }],
      predicateType: 'https://slsa.dev/provenance/v1',
    });

    const signature = await manifestOf(`${digest.replace(':', '-')}.sig`);
    const [layer] = signature.layers;
    const signed = await fetchFrom(`blobs/${layer?.digest}`);
    expect(bySignature(signed, layer?.annotations?.['dev.cosignproject.cosign/signature'] ?? '')).toBe(true);
    expect(JSON.parse(signed.toString())).toMatchObject({
      critical: { identity: { 'docker-reference': repository }, image: { 'docker-manifest-digest': digest } },
    });
    const attestation = await manifestOf(`${digest.replace(':', '-')}.att`);
    expect(JSON.parse((await fetchFrom(`blobs/${attestation.layers[0]?.digest}`)).toString())).toEqual(envelope);
    const seen = execFileSync('skopeo', ['inspect', '--tls-verify=false', `docker://${made.image}`], {
      encoding: 'utf8',
    });
    expect(JSON.parse(seen)).toMatchObject({ Digest: digest });

    // Once more: the same image, and the same bills of materials.
    expect((await studio.client.call('deploy:manifests', request)).image).toBe(made.image);
    const again = await documentsOf(digest);
    expect(again.get('application/spdx+json')).toEqual(spdx);
    expect(again.get('application/vnd.cyclonedx+json')).toEqual(cycloneDx);

    // In a folder it is the same image, which other tools bring to a registry.
    const to = join(home, 'layout');
    const saved = await studio.client.call('deploy:save', { projectId: project.id, engine: 'pod', to, tag: 'v1' });
    expect(saved).toMatchObject({ to, tag: 'v1', digest });
    const copy = `${registry.host}/copied/greet:v1`;
    execFileSync('skopeo', ['copy', '--dest-tls-verify=false', `oci:${to}:v1`, `docker://${copy}`], { stdio: 'pipe' });
    const copied = execFileSync('skopeo', ['inspect', '--tls-verify=false', `docker://${copy}`], { encoding: 'utf8' });
    expect(JSON.parse(copied)).toMatchObject({ Digest: digest });
  });

  it('is not pushed where the key cannot be used', async () => {
    const project = await studio.project('unsigned', 'export default () => 1;');
    const request = { projectId: project.id, target: 'files', signKey: join(home, 'absent.pem') } as const;
    await expect(studio.client.call('deploy:manifests', request)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await fetch(`http://${registry.host}/v2/team/unsigned/tags/list`)).status).toBe(404);
  });
});
