import { type Command, Option } from 'commander';
import { workloadKinds } from '#shared/model/deploy-section.ts';
import type { AddTo, Lazily } from './command-types.ts';
import { integerBetween } from './integer-between.ts';

/** Adds the commands `target …` and `deploy …`. */
export function addDeployCommands(program: Command, addTo: AddTo, lazily: Lazily): void {
  const target = program
    .command('target')
    .description('Name the clusters and hosts to deploy to. No credential is kept.');
  addTo(target, 'add <name>', 'Add a Kubernetes cluster with the registry from which it pulls, or libvirt hosts.', [
    'target add home --registry registry.example/team',
    'target add staging --context staging --namespace functions --registry ghcr.io/ada --pull-secret ghcr',
    'target add lab --libvirt qemu+ssh://root@lab1/system qemu+ssh://root@lab2/system',
    'target add edge --libvirt qemu+ssh://root@edge/system --listen 0.0.0.0',
  ])
    .option('--libvirt <uri...>', 'hosts, in place of a cluster: qemu+ssh://, qemu+tls:// or qemu:///system')
    .option(
      '--listen <address>',
      'hosts: their IPv4 address that functions serve HTTP at; whoever reaches it can call them (default: 127.0.0.1, for programs of the host)',
    )
    .option('--registry <host/path>', 'a cluster: where images are pushed to, and pulled from')
    .option('--kubeconfig <file>', 'how the cluster is reached (default: KUBECONFIG, or ~/.kube/config)')
    .option('--context <name>', 'the context of the kubeconfig (default: its current one)')
    .option('--namespace <name>', 'where functions go (default: that of the context)')
    .option('--registry-ca <file>', 'the certificate of the registry’s own authority')
    .option('--plain-http', 'speak HTTP without TLS to the registry')
    .option(
      '--engine <engine>',
      'pod: with its own VMM; kubevirt: a virtual machine; runtimeclass:NAME: a container, or with urunc a unikernel (default: pod)',
    )
    .addOption(new Option('--workload <kind>', 'what runs a function (default: deployment)').choices(workloadKinds))
    .option('--pull-secret <name>', 'the Secret with which the cluster’s nodes pull')
    .action(lazily(async () => (await import('./commands/target.ts')).addTarget));
  addTo(target, 'list', 'List the targets.', ['target list']).action(
    lazily(async () => (await import('./commands/target.ts')).listTargets),
  );
  addTo(target, 'show <name>', 'Show one target.', ['target show home']).action(
    lazily(async () => (await import('./commands/target.ts')).showTarget),
  );
  addTo(target, 'test <name>', 'Say what a deploy would find there, and how to provide what is missing.', [
    'target test home',
  ]).action(lazily(async () => (await import('./commands/target.ts')).testTarget));
  addTo(target, 'rm <name>', 'Take a target off the list; what runs there stays.', ['target rm home']).action(
    lazily(async () => (await import('./commands/target.ts')).removeTarget),
  );

  const deploy = addTo(program, 'deploy', 'Deploy a function to a cluster or to hosts, and look after it there.', [
    'deploy ./greet --target home',
    'deploy ./greet --target home --dry-run',
    'deploy ./greet --profile staging',
  ])
    .enablePositionalOptions()
    .argument('[dir]', 'the project', '.')
    .option('--target <name>', 'where to (default: the only target there is)')
    .option('--profile <name>', 'a profile of "deploy" in firstlight.json')
    .option('--replicas <n>', 'how many pods (default: 1 the first time, then as it is)', integerBetween(0, 1000))
    .option('--sign-key <file>', 'sign the image with this private key, as cosign does (PEM, ECDSA on P-256)')
    .option('--dry-run', 'print what would be applied and what it changes, and change nothing')
    .option('--no-wait', 'end as soon as it is applied')
    .option('--no-rollback', 'leave a deploy that fails as it is')
    .option('--force', 'take over fields of another manager, or an unfinished deploy of another computer')
    .action(lazily(async () => (await import('./commands/deploy.ts')).deploy));
  addDeployed(deploy, addTo, lazily);

  addTo(program, 'manifests <dir>', 'Write what a deploy would apply as files, for GitOps; the image is pushed.', [
    'manifests ./greet --target home > greet.yaml',
    'manifests ./greet --target home --format helm --out ./chart',
  ])
    .option('--target <name>', 'whose registry, namespace and pull secret (default: the only target there is)')
    .addOption(new Option('--format <format>', 'of the files').choices(['yaml', 'kustomize', 'helm']).default('yaml'))
    .option('--out <dir>', 'the folder that they go into (default: printed)')
    .option('--profile <name>', 'a profile of "deploy" in firstlight.json')
    .option('--replicas <n>', 'how many pods (default: 1)', integerBetween(0, 1000))
    .option('--no-push', 'push no image')
    .option('--kvm-resource <name>', 'the device plugin’s resource that gives pods KVM (default: none, emulated)')
    .option('--sign-key <file>', 'sign the image with this private key, as cosign does')
    .action(lazily(async () => (await import('./commands/manifests.ts')).writeManifests));
}

function addDeployed(deploy: Command, addTo: AddTo, lazily: Lazily): void {
  const add = (usage: string, description: string, example: string) =>
    addTo(deploy, usage, description, [`deploy ${example}`]).option(
      '--target <name>',
      'which cluster (default: the only target there is)',
    );
  add('list', 'List the functions of a target.', 'list --target home').action(
    lazily(async () => (await import('./commands/deploy.ts')).listDeployments),
  );
  add(
    'status <function>',
    'Say how a function stands, and where its cold start’s time went.',
    'status greet --target home',
  ).action(lazily(async () => (await import('./commands/deploy.ts')).showStatus));
  add('history <function>', 'List the revisions that the cluster keeps.', 'history greet --target home').action(
    lazily(async () => (await import('./commands/deploy.ts')).showHistory),
  );
  add(
    'rollback <function> [revision]',
    'Go back to an earlier revision (default: the one before).',
    'rollback greet --target home',
  ).action(lazily(async () => (await import('./commands/deploy.ts')).rollBack));
  add('pause <function>', 'Have the cluster roll nothing out; the pods stay.', 'pause greet --target home').action(
    lazily(async () => (await import('./commands/deploy.ts')).pause),
  );
  add('resume <function>', 'Have the cluster roll out again.', 'resume greet --target home').action(
    lazily(async () => (await import('./commands/deploy.ts')).resume),
  );
  add('scale <function> <replicas>', 'Set the number of pods.', 'scale greet 3 --target home').action(
    lazily(async () => (await import('./commands/deploy.ts')).scale),
  );
  add(
    'traffic <function> [shares...]',
    'Show or split the traffic of a Knative Service between revisions.',
    'traffic greet 1=80 latest=20 --target home',
  ).action(lazily(async () => (await import('./commands/deploy-traffic.ts')).splitTraffic));
  add(
    'invoke <function>',
    'Send one HTTP request to a function: through the cluster’s API, or to an endpoint on hosts.',
    'invoke greet --target home --path /hi',
  )
    .option('--method <method>', 'the method', 'GET')
    .option('--path <path>', 'path and query', '/')
    .option('--body <text>', 'the body')
    .action(lazily(async () => (await import('./commands/deploy.ts')).callDeployed));
  add('logs <function>', 'Print what a function’s pods print.', 'logs greet --target home --follow')
    .option('--follow', 'go on until Ctrl-C')
    .option('--tail <n>', 'begin this many lines before the end', integerBetween(0, 10_000), 200)
    .action(lazily(async () => (await import('./commands/deploy.ts')).printLogs));
  add(
    'console <function>',
    'Follow the serial console of one pod or instance, from its beginning, until Ctrl-C.',
    'console greet --target home',
  )
    .option('--instance <name>', 'which pod or instance (default: the newest)')
    .addOption(new Option('--pod <name>', 'the same, for a cluster').conflicts('instance'))
    .action(lazily(async () => (await import('./commands/deploy-console.ts')).followConsole));
  add('stats <function>', 'Print what each pod or instance of a function uses.', 'stats greet --target home').action(
    lazily(async () => (await import('./commands/deploy.ts')).showStats),
  );
  add('undeploy <function>', 'Take a function off the cluster.', 'undeploy greet --target home').action(
    lazily(async () => (await import('./commands/deploy.ts')).undeploy),
  );
}
