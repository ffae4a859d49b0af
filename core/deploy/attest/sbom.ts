/** Bills of materials of an image, in the two formats that scanners read. Pure. */
import { createHash } from 'node:crypto';
import type { Component } from './components.ts';

export interface BillOfMaterials {
  /** The image: its name, and its digest. */
  readonly name: string;
  readonly digest: string;
  readonly components: readonly Component[];
  /** When the function was built. ISO 8601. */
  readonly createdAt: string;
  /** Firstlight's. */
  readonly version: string;
}

/** A UUID that the same text gives again: the same image has the same documents. Source: RFC 9562, version 8. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

const hexOf = (digest: string) => digest.replace(/^sha256:/, '');

/** The document in CycloneDX 1.5. */
export function writeCycloneDx({ name, digest, components, createdAt, version }: BillOfMaterials): object {
  const refOf = (component: Component) => component.purl ?? `${component.kind}:${component.name}`;
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    serialNumber: `urn:uuid:${uuidOf(`cyclonedx ${digest}`)}`,
    version: 1,
    metadata: {
      timestamp: createdAt,
      tools: { components: [{ type: 'application', name: 'firstlight', version }] },
      component: {
        type: 'container',
        'bom-ref': digest,
        name,
        version: digest,
        hashes: [{ alg: 'SHA-256', content: hexOf(digest) }],
      },
    },
    components: components.map((component) => ({
      type: component.kind,
      'bom-ref': refOf(component),
      name: component.name,
      version: component.version,
      ...(component.purl !== null && { purl: component.purl }),
      ...(component.license !== null && { licenses: [licenseOf(component.license)] }),
      ...(component.sha256 !== undefined && { hashes: [{ alg: 'SHA-256', content: component.sha256 }] }),
    })),
    dependencies: [{ ref: digest, dependsOn: components.map(refOf) }],
  };
}

const isExpression = (license: string) => /^[A-Za-z0-9.+() -]+$/.test(license) && !/^SEE /.test(license);
const licenseOf = (license: string) =>
  isExpression(license) ? { expression: license } : { license: { name: license } };

/** The document in SPDX 2.3. */
export function writeSpdx({ name, digest, components, createdAt, version }: BillOfMaterials): object {
  const idOf = (index: number) => `SPDXRef-Package-${index + 1}`;
  const root = 'SPDXRef-Image';
  const common = {
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseConcluded: 'NOASSERTION',
    copyrightText: 'NOASSERTION',
  };
  const sumOf = (sha256: string) => [{ algorithm: 'SHA256', checksumValue: sha256 }];
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name,
    documentNamespace: `urn:uuid:${uuidOf(`spdx ${digest}`)}`,
    creationInfo: { created: createdAt.replace(/\.\d+Z$/, 'Z'), creators: [`Tool: firstlight-${version}`] },
    packages: [
      {
        SPDXID: root,
        name,
        versionInfo: digest,
        ...common,
        licenseDeclared: 'NOASSERTION',
        primaryPackagePurpose: 'CONTAINER',
        checksums: sumOf(hexOf(digest)),
      },
      ...components.map((component, index) => ({
        SPDXID: idOf(index),
        name: component.name,
        versionInfo: component.version,
        ...common,
        licenseDeclared:
          component.license !== null && isExpression(component.license) ? component.license : 'NOASSERTION',
        primaryPackagePurpose: component.kind.toUpperCase(),
        ...(component.sha256 !== undefined && { checksums: sumOf(component.sha256) }),
        ...(component.purl !== null && {
          externalRefs: [
            { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: component.purl },
          ],
        }),
      })),
    ],
    relationships: [
      { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: root },
      ...components.map((_, index) => ({
        spdxElementId: root,
        relationshipType: 'CONTAINS',
        relatedSpdxElement: idOf(index),
      })),
    ],
  };
}
