/** The objects of a function as files, to be applied by other means. Pure. */
import { stringify } from 'yaml';
import { z } from 'zod';
import type { KubeObject } from './kube/objects.ts';

export type ManifestFormat = 'yaml' | 'kustomize' | 'helm';

/** A file to write. Shape: `path` is relative, with `/`. */
export interface ManifestFile {
  readonly path: string;
  readonly text: string;
}

const toText = (value: unknown): string => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });

/** YAML documents, with `---` between them. */
export const toYaml = (objects: readonly KubeObject[]): string => objects.map(toText).join('---\n');

/** The files of a format: one of YAML, a base for Kustomize, or a chart for Helm. */
export function writeManifests(
  objects: readonly KubeObject[],
  format: ManifestFormat,
  version: string,
): readonly ManifestFile[] {
  const name = functionOf(objects);
  if (format === 'yaml') return [{ path: `${name}.yaml`, text: toYaml(objects) }];
  const fileOf = (object: KubeObject) => `${(object.kind ?? 'object').toLowerCase()}.yaml`;
  if (format === 'kustomize') {
    const kustomization = {
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      resources: objects.map(fileOf),
    };
    return [
      ...objects.map((object) => ({ path: fileOf(object), text: toText(withoutNamespace(object)) })),
      { path: 'kustomization.yaml', text: toText(kustomization) },
    ];
  }
  return [
    {
      path: 'Chart.yaml',
      text: toText({ apiVersion: 'v2', name, type: 'application', version: '0.1.0', appVersion: version }),
    },
    { path: 'values.yaml', text: toText(valuesOf(objects)) },
    ...objects.map((object) => ({
      path: `templates/${fileOf(object)}`,
      text: fillIn(toText(withoutNamespace(object))),
    })),
  ];
}

const functionOf = ([object]: readonly KubeObject[]): string =>
  object?.metadata.labels?.['app.kubernetes.io/name'] ?? object?.metadata.name ?? 'function';

/** The person who applies it chooses the namespace. */
function withoutNamespace(object: KubeObject): KubeObject {
  const { namespace: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

const workloadSchema = z.object({
  replicas: z.number().optional(),
  template: z.object({
    spec: z.union([
      z.object({ containers: z.tuple([z.object({ image: z.string() })]) }),
      z.object({
        domain: z.object({
          firmware: z.object({ kernelBoot: z.object({ container: z.object({ image: z.string() }) }) }),
        }),
      }),
      z.object({ volumes: z.tuple([z.object({ containerDisk: z.object({ image: z.string() }) })]) }),
    ]),
  }),
});

function imagePlaceOf(spec: z.output<typeof workloadSchema>['template']['spec']) {
  if ('containers' in spec) return spec.containers[0];
  return 'domain' in spec ? spec.domain.firmware.kernelBoot.container : spec.volumes[0].containerDisk;
}

function valuesOf([workload]: readonly (KubeObject & { readonly spec?: unknown })[]) {
  const { replicas, template } = workloadSchema.parse(workload?.spec);
  const { image } = imagePlaceOf(template.spec);
  return { ...(replicas !== undefined && { replicas }), image };
}

/** Replaces the settings that a person may change by the chart's values. */
const fillIn = (text: string): string =>
  text
    // What looks like a template stands for itself.
    .replaceAll('{{', '{{ "{{" }}')
    .replace(/^( {2}replicas: )\d+$/m, '$1{{ .Values.replicas }}')
    .replace(/^( +(?:- )?image: ).+$/m, '$1{{ .Values.image | quote }}');
