import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { projectConfigSchema } from '#shared/model/project.ts';
import type { KnativeService } from './knative/objects.ts';
import type { DeploymentObject } from './kube/objects.ts';
import { deriveRevision } from './make-manifests.ts';
import { writeManifests } from './manifests.ts';
import { isTemplateOf, overheadOf, type WorkloadRequest } from './pod-template.ts';
import { makeWorkload } from './workload.ts';

const config = projectConfigSchema.parse({ name: 'greet', runtime: 'ember', memoryMiB: 128 });
const make = (name = 'greet', more: Partial<WorkloadRequest> = {}) =>
  makeWorkload({
    workload: 'deployment',
    config: { ...config, name },
    target: { pullSecret: 'pull' },
    namespace: 'team',
    image: 'registry.example/greet@sha256:1',
    imageId: 'abc',
    runtime: 'ember',
    replicas: 2,
    deployedAt: '2026-01-01T00:00:00Z',
    kvmResource: 'devices.kubevirt.io/kvm',
    ...more,
  });

describe('the objects of a function', () => {
  it('give the guest variables by keys of Secrets', () => {
    const secrets = { TOKEN: { secret: 'app', key: 'token' } };
    const [deployment] = make('greet', { secrets, secretVersions: 'app=7' });
    const env = [{ name: 'FIRSTLIGHT_ENV_TOKEN', valueFrom: { secretKeyRef: { name: 'app', key: 'token' } } }];
    expect(deployment).toMatchObject({
      spec: {
        template: {
          metadata: { annotations: { 'firstlight.dev/secrets': 'app=7' } },
          spec: { containers: [{ env }] },
        },
      },
    });
  });

  it('give the guest variables by value, which Kubernetes leaves as they are', () => {
    const variables = { PRICE: '5 $(HOME) $$', EMPTY: '' };
    const [deployment] = make('greet', { variables });
    const env = [
      { name: 'FIRSTLIGHT_ENV_PRICE', value: '5 $$(HOME) $$$$' },
      { name: 'FIRSTLIGHT_ENV_EMPTY', value: '' },
    ];
    expect(deployment).toMatchObject({ spec: { template: { spec: { containers: [{ env }] } } } });
    const [plain] = make('greet', { variables: { A: '1' }, config: { ...config, port: 80 }, runtimeClass: 'gvisor' });
    const named = [{ name: 'A', value: '1' }];
    expect(plain).toMatchObject({ spec: { template: { spec: { containers: [{ env: named }] } } } });
  });

  it('give the guest its arguments as those of the container, which Kubernetes leaves as they are', () => {
    const args = ['5 $(HOME)', '--verbose', ''];
    for (const more of [{}, { config: { ...config, port: 80 }, runtimeClass: 'gvisor' }]) {
      const [deployment] = make('greet', { args, ...more });
      const containers = [{ args: ['5 $$(HOME)', '--verbose', ''] }];
      expect(deployment).toMatchObject({ spec: { template: { spec: { containers } } } });
      const [plain] = make('greet', more) as [DeploymentObject];
      expect(plain.spec.template.spec.containers[0]).not.toHaveProperty('args');
    }
  });

  it('make new pods for another image, variable, argument or secret', () => {
    const identity = {
      args: ['-v', '$'],
      image: 'r/greet@sha256:1',
      variables: { A: '', B: '2' },
      secrets: { TOKEN: { secret: 'app', key: 'token' } },
      secretVersions: 'app=7',
    };
    const [deployment] = make('greet', identity) as [DeploymentObject];
    const { template } = deployment.spec;
    expect(isTemplateOf(template, identity)).toBe(true);
    // The API server answers without empty values.
    const [container] = template.spec.containers;
    const env = container?.env?.map(({ value, ...rest }) => (value ? { value, ...rest } : rest));
    const answered = {
      ...template,
      spec: { containers: [{ name: 'function', image: identity.image, args: ['-v', '$$'], ...(env && { env }) }] },
    };
    expect(isTemplateOf(answered, identity)).toBe(true);
    for (const other of [
      { image: 'r/greet@sha256:2' },
      { variables: { A: '', B: '3' } },
      { variables: { A: '' } },
      { secrets: {} },
      { args: ['-v'] },
      { args: undefined },
      { secretVersions: 'app=8' },
      { runtimeClass: 'gvisor' },
    ]) {
      expect(isTemplateOf(template, { ...identity, ...other })).toBe(false);
    }
  });

  it('are an ordinary container under a RuntimeClass', () => {
    const [deployment] = make('greet', {
      config: { ...config, port: 9000 },
      runtimeClass: 'gvisor',
      kvmResource: null,
    });
    expect(deployment).toMatchObject({
      spec: {
        template: {
          metadata: { annotations: { 'firstlight.dev/memory': 'guest 128 MiB' } },
          spec: {
            runtimeClassName: 'gvisor',
            containers: [
              {
                ports: [{ name: 'http', containerPort: 9000 }],
                resources: { limits: { memory: '128Mi' } },
                readinessProbe: { tcpSocket: { port: 'http' } },
                securityContext: { readOnlyRootFilesystem: true },
              },
            ],
          },
        },
      },
    });
  });

  it('lead to it from outside by an Ingress, or by a Gateway', () => {
    const route = { host: 'greet.example', path: '/' };
    const objects = make('greet', { route: { ...route, ingressClass: 'nginx', tlsSecret: 'cert' } });
    const annotations = { 'firstlight.dev/endpoint': 'https://greet.example' };
    expect(objects[0]).toMatchObject({ metadata: { annotations } });
    expect(objects.at(-1)).toMatchObject({
      kind: 'Ingress',
      spec: {
        ingressClassName: 'nginx',
        tls: [{ hosts: ['greet.example'], secretName: 'cert' }],
        rules: [{ host: 'greet.example', http: { paths: [{ path: '/', pathType: 'Prefix' }] } }],
      },
    });
    const [, , byGateway] = make('greet', { route: { ...route, path: '/v1', gateway: 'infra/edge' } });
    expect(byGateway).toMatchObject({
      kind: 'HTTPRoute',
      spec: {
        parentRefs: [{ name: 'edge', namespace: 'infra' }],
        hostnames: ['greet.example'],
        rules: [{ matches: [{ path: { value: '/v1' } }], backendRefs: [{ name: 'greet', port: 80 }] }],
      },
    });
  });

  it('name what the pod needs beside its guest, part by part', () => {
    const [deployment] = make();
    const overhead = overheadOf(config).reduce((sum, { mib }) => sum + mib, 0);
    expect(deployment).toMatchObject({
      spec: {
        template: {
          metadata: {
            annotations: { 'firstlight.dev/memory': expect.stringContaining('guest 128 MiB, page tables 1 MiB') },
          },
          spec: {
            automountServiceAccountToken: false,
            containers: [
              {
                resources: { limits: { memory: `${128 + overhead}Mi`, 'devices.kubevirt.io/kvm': '1' } },
                securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false },
              },
            ],
          },
        },
      },
    });
  });

  it('are a Knative Service with what Knative lets a container have', () => {
    const [service, ...others] = make('greet', { workload: 'knative', autoscale: { max: 5, cpuPercent: 80 } });
    expect(others).toEqual([]);
    const template = (service as unknown as KnativeService).spec.template;
    expect(service).toMatchObject({ apiVersion: 'serving.knative.dev/v1', kind: 'Service' });
    expect(template.metadata?.annotations).toMatchObject({ 'autoscaling.knative.dev/max-scale': '5' });
    expect(template.metadata?.annotations).not.toHaveProperty(['autoscaling.knative.dev/min-scale']);
    // Source: the field mask of Knative Serving.
    expect(Object.keys(template.spec).sort()).toEqual(
      ['automountServiceAccountToken', 'containers', 'enableServiceLinks', 'imagePullSecrets', 'volumes'].sort(),
    );
    const [container] = template.spec.containers;
    expect(container).not.toHaveProperty('livenessProbe');
    expect(container).toMatchObject({
      ports: [{ name: 'http1', containerPort: 8080 }],
      readinessProbe: { httpGet: { path: '/ready', port: 8081 } },
      securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
    });
  });

  it('are machines of KubeVirt, a set for each revision, and a Service that leads to one of them', () => {
    const vm = { cmdline: 'the word', port: 9000 };
    const [set, service, ingress] = make('greet', { vm, revision: 7, route: { host: 'greet.example', path: '/' } });
    const labels = { 'app.kubernetes.io/name': 'greet', 'firstlight.dev/revision': '7' };
    const container = { image: 'registry.example/greet@sha256:1', kernelPath: '/boot/kernel', imagePullSecret: 'pull' };
    expect(set).toMatchObject({
      apiVersion: 'kubevirt.io/v1',
      kind: 'VirtualMachineInstanceReplicaSet',
      metadata: { name: 'greet-r7', labels, annotations: { 'firstlight.dev/endpoint': 'http://greet.example' } },
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            domain: {
              memory: { guest: '128Mi' },
              firmware: { kernelBoot: { kernelArgs: 'the word', container } },
              devices: { logSerialConsole: true, interfaces: [{ masquerade: {}, ports: [{ port: 9000 }] }] },
            },
            networks: [{ pod: { vmNetworkCIDR: '10.0.2.0/24' } }],
            readinessProbe: { tcpSocket: { port: 9000 } },
          },
        },
      },
    });
    expect(service).toMatchObject({
      metadata: { name: 'greet' },
      spec: { selector: labels, ports: [{ targetPort: 9000 }] },
    });
    expect(ingress).toMatchObject({ kind: 'Ingress' });
  });

  it('are machines of KubeVirt that boot from the disk in their image', () => {
    const [set] = make('greet', { vm: { cmdline: null, port: 9000 } });
    const image = 'registry.example/greet@sha256:1';
    expect(set).toMatchObject({
      spec: {
        template: {
          spec: {
            terminationGracePeriodSeconds: 40,
            domain: { devices: { disks: [{ name: 'root', disk: { bus: 'virtio' } }] } },
            volumes: [{ name: 'root', containerDisk: { image, path: '/disk/root.img', imagePullSecret: 'pull' } }],
          },
        },
      },
    });
    expect(set).not.toHaveProperty('spec.template.spec.domain.firmware');
    const files = new Map(
      writeManifests([...make('greet', { vm: { cmdline: null, port: 9000 } })], 'helm', '0.1.0').map(
        ({ path, text }) => [path, text],
      ),
    );
    expect(parse(files.get('values.yaml') ?? '')).toEqual({ replicas: 2, image, revision: '1' });
  });

  it('cannot have a name that no Service takes', () => {
    expect(() => make('1st')).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
  });
});

describe('manifests', () => {
  it('are YAML documents that say the same', () => {
    const [file] = writeManifests(make(), 'yaml', '0.1.0');
    expect(file?.path).toBe('greet.yaml');
    expect(parseAllDocuments(file?.text ?? '').map((document) => document.toJS())).toEqual(make());
  });

  it('are a base for Kustomize, whose namespace is left to whoever uses it', () => {
    const files = new Map(writeManifests(make(), 'kustomize', '0.1.0').map(({ path, text }) => [path, parse(text)]));
    expect(files.get('kustomization.yaml').resources).toEqual(['deployment.yaml', 'service.yaml']);
    expect(files.get('deployment.yaml').metadata.namespace).toBeUndefined();
  });

  it('are a chart for Helm with the image and the number of replicas as values', () => {
    const files = new Map(writeManifests(make(), 'helm', '0.1.0').map(({ path, text }) => [path, text]));
    expect(parse(files.get('values.yaml') ?? '')).toEqual({ replicas: 2, image: 'registry.example/greet@sha256:1' });
    expect(files.get('templates/deployment.yaml')).toMatch(/image: \{\{ \.Values\.image \| quote \}\}/);
    expect(files.get('templates/deployment.yaml')).toMatch(/^ {2}replicas: \{\{ \.Values\.replicas \}\}$/m);
  });

  it('are a chart of machines of KubeVirt, whose set and Service go over to another revision together', () => {
    const objects = make('greet', { vm: { cmdline: 'the word', port: 9000 }, revision: 12_345_678 });
    const files = new Map(writeManifests(objects, 'helm', '0.1.0').map(({ path, text }) => [path, text]));
    expect(parse(files.get('values.yaml') ?? '')).toEqual({
      replicas: 2,
      image: 'registry.example/greet@sha256:1',
      revision: '12345678',
    });
    expect(parse(files.get('Chart.yaml') ?? '').name).toBe('greet');
    const set = files.get('templates/virtualmachineinstancereplicaset.yaml');
    expect(set).toMatch(/image: \{\{ \.Values\.image \| quote \}\}/);
    expect(set).toMatch(/^ {2}name: greet-r\{\{ \.Values\.revision \}\}$/m);
    const selects = /^ +firstlight\.dev\/revision: \{\{ \.Values\.revision \| quote \}\}$/m;
    expect(files.get('templates/service.yaml')).toMatch(selects);
    expect(set).toMatch(selects);
    expect([...files.values()].filter((text) => text.includes('12345678'))).toHaveLength(1);
  });

  it.each([null, 'devices.kubevirt.io/kvm'])('are a chart whose pods ask for the KVM of a value: %s', (kvmResource) => {
    for (const more of [{}, { workload: 'knative', replicas: undefined } as const]) {
      const objects = make('greet', { kvmResource, ...more });
      const files = new Map(
        writeManifests(objects, 'helm', '0.1.0', { kvmResource }).map(({ path, text }) => [path, text]),
      );
      expect(parse(files.get('values.yaml') ?? '')).toMatchObject({ kvmResource });
      const [path = ''] = [...files.keys()].filter((name) => name.startsWith('templates/'));
      const text = files.get(path) ?? '';
      expect(text).toMatch(
        /limits:\n( +)memory: \S+\n\{\{- with \.Values\.kvmResource \}\}\n\1\{\{ \. \}\}: "1"\n\{\{- end \}\}\n/,
      );
      expect(text).not.toContain('devices.kubevirt.io');
    }
  });

  it('are a chart in which braces of a person stand for themselves', () => {
    const objects = make('greet', { route: { host: 'greet.example', path: '/{{ id }}' } });
    const files = new Map(writeManifests(objects, 'helm', '0.1.0').map(({ path, text }) => [path, text]));
    expect(files.get('templates/ingress.yaml')).toContain('path: /{{ "{{" }} id }}');
  });

  it('number a set of machines of KubeVirt by what they are', () => {
    const request = (more: Partial<WorkloadRequest> = {}): WorkloadRequest => ({
      workload: 'deployment',
      config,
      target: { pullSecret: null },
      namespace: 'team',
      image: 'registry.example/greet@sha256:1',
      imageId: 'abc',
      runtime: 'ember',
      replicas: 2,
      deployedAt: '2026-01-01T00:00:00Z',
      kvmResource: null,
      vm: { cmdline: 'the word', port: 9000 },
      ...more,
    });
    const first = deriveRevision(request());
    expect(Number.isSafeInteger(first) && first > 0).toBe(true);
    expect(deriveRevision(request({ replicas: 5, deployedAt: '2026-02-02T00:00:00Z' }))).toBe(first);
    const others = [
      request({ image: 'registry.example/greet@sha256:2' }),
      request({ config: { ...config, memoryMiB: 256 } }),
    ].map(deriveRevision);
    expect(new Set([first, ...others]).size).toBe(3);
  });
});
