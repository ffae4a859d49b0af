/** The objects of a function as files, to be applied by other means. Pure. */
import { stringify } from 'yaml';
import { z } from 'zod';
import type { KubeObject } from './kube/objects.ts';
import { revisionLabel } from './kubevirt/objects.ts';

export type ManifestFormat = 'yaml' | 'kustomize' | 'helm';

/** A file to write. Shape: `path` is relative, with `/`. */
export interface ManifestFile {
  readonly path: string;
  readonly text: string;
}

const toText = (value: unknown): string => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });

/** YAML documents, with `---` between them. */
export const toYaml = (objects: readonly KubeObject[]): string => objects.map(toText).join('---\n');

/** The values of a chart that do not follow from its objects. */
export interface ChartValues {
  /** The resource that gives pods KVM; null: none yet. Absent: no pod opens KVM. */
  readonly kvmResource?: string | null;
}

/** The files of a format: one of YAML, a base for Kustomize, or a chart for Helm. */
export function writeManifests(
  objects: readonly KubeObject[],
  format: ManifestFormat,
  version: string,
  values: ChartValues = {},
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
    { path: 'values.yaml', text: toText({ ...valuesOf(objects), ...kvmValueOf(values) }) },
    ...objects.map((object) => ({
      path: `templates/${fileOf(object)}`,
      text: fillIn(toText(withoutNamespace(object)), values),
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
  const revision = workload?.metadata.labels?.[revisionLabel];
  // As text: Helm would write a large number with an exponent.
  return { ...(replicas !== undefined && { replicas }), image, ...(revision !== undefined && { revision }) };
}

const kvmValueOf = ({ kvmResource }: ChartValues) => (kvmResource === undefined ? {} : { kvmResource });

/** Replaces the settings that a person may change by the chart's values. */
function fillIn(text: string, values: ChartValues): string {
  const filled = text
    // What looks like a template stands for itself.
    .replaceAll('{{', '{{ "{{" }}')
    .replace(/^( {2}replicas: )\d+$/m, '$1{{ .Values.replicas }}')
    .replace(/^( +(?:- )?image: ).+$/m, '$1{{ .Values.image | quote }}')
    // Other machines of KubeVirt are another set.
    .replaceAll(new RegExp(`^( +${revisionLabel}: )"\\d+"$`, 'gm'), '$1{{ .Values.revision | quote }}')
    .replace(/^(kind: VirtualMachineInstanceReplicaSet\nmetadata:\n {2}name: .+-r)\d+$/m, '$1{{ .Values.revision }}');
  return values.kvmResource === undefined ? filled : askForKvm(filled);
}

/** The resource among the limits of a container, where there is one. */
const askForKvm = (text: string): string =>
  text.replace(
    /^( +limits:\n)( +)(memory: .+\n)(?: +\S+: "1"\n)?/m,
    '$1$2$3{{- with .Values.kvmResource }}\n$2{{ . }}: "1"\n{{- end }}\n',
  );
