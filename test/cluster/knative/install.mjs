// Installs Knative Serving on a test cluster that was started with its images.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { knativeDir, knativeParts } from './build.mjs';

/** Settings for a test: at zero soon, and a domain that nobody has. */
const settings = {
  'config-autoscaler': { 'stable-window': '6s', 'scale-to-zero-grace-period': '6s' },
  'config-domain': { 'functions.test': '' },
  'config-deployment': { 'progress-deadline': '120s' },
};

/** Applies the manifests, and waits until all parts are ready. Errors: throws with kubectl's output. */
export async function installKnative({ dir, kubectl }) {
  const documents = parseAllDocuments(readFileSync(join(knativeDir(), 'serving.yaml'), 'utf8'))
    .map((document) => document.toJS())
    .filter((object) => object !== null);
  for (const object of documents) {
    const more = object.kind === 'ConfigMap' ? settings[object.metadata.name] : undefined;
    if (more !== undefined) object.data = { ...object.data, ...more };
  }
  const apply = async (name, items) => {
    const path = join(dir, `knative-${name}.json`);
    writeFileSync(path, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    await kubectl('apply', '--server-side', '--force-conflicts', '-f', path);
  };
  const isDefinition = ({ kind }) => kind === 'CustomResourceDefinition' || kind === 'Namespace';
  await apply('definitions', documents.filter(isDefinition));
  await kubectl('wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all');
  await apply(
    'parts',
    documents.filter((object) => !isDefinition(object)),
  );
  for (const part of knativeParts) {
    await kubectl('-n', 'knative-serving', 'rollout', 'status', `deployment/${part}`, '--timeout=120s');
  }
}
