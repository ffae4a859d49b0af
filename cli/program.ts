import { Command, CommanderError, Option } from 'commander';
import { runtimes } from '#core/engine/runtimes.ts';
import { toFirstlightError } from '#core/store/from-format-error.ts';
import { locateResources } from '#core/store/resources.ts';
import { FirstlightError } from '#shared/errors.ts';
import { startModes, startModeWords } from '#shared/model/timeline.ts';
import type { AddTo, Lazily, Work } from './command-types.ts';
import { addDeployCommands } from './deploy-commands.ts';
import { badInput, Ended } from './failures.ts';
import { integerBetween } from './integer-between.ts';
import { type Io, signalExitCodes } from './io.ts';
import { addKernelCommands } from './kernel-commands.ts';
import { openCore } from './open-engine.ts';
import { errorJson, renderError } from './output/print-error.ts';
import { createStyle } from './output/style.ts';
import type { EngineOpener } from './session.ts';

const usageExitCode = 2;

/**
 * Runs one command line and returns its exit code: 0 ok, 1 the function failed, 2 bad input, 3 environment,
 * 4 build failed, 5 boot failed, 70 a defect of ours, 130 cancelled.
 */
export async function main(argv: readonly string[], io: Io, openEngine: EngineOpener = openCore): Promise<number> {
  const json = argv.includes('--json');
  let exitCode = 0;
  /** The action of a command whose code is loaded on first use. */
  const lazily =
    <Args extends readonly unknown[]>(load: () => Promise<Work<Args>>) =>
    async (...args: readonly [...Args, Command]): Promise<void> => {
      const { withSession } = await import('./session.ts');
      exitCode = await withSession(io, json, openEngine, async (session) => {
        const work = await load();
        return work(session, ...(args.slice(0, -1) as unknown as Args));
      });
    };
  const program = createProgram(io, json, lazily);
  try {
    if (argv.length === 0) program.outputHelp();
    else await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (thrown) {
    return reportFailure(thrown, io, json);
  }
}

function reportFailure(thrown: unknown, io: Io, json: boolean): number {
  if (thrown instanceof Ended) {
    const isWorthWords = !thrown.wasDone && thrown.signal !== 'SIGPIPE';
    if (isWorthWords && json) printErrorJson(io, new FirstlightError('CANCELLED', 'Cancelled.'));
    if (isWorthWords && !json) io.stderr.write('Cancelled.\n');
    return signalExitCodes[thrown.signal];
  }
  if (thrown instanceof CommanderError) {
    if (thrown.exitCode === 0) return 0;
    // commander has printed its own message; a program that reads JSON gets it as JSON.
    if (json) printErrorJson(io, badInput(thrown.message.replace(/^error: /, '')));
    return usageExitCode;
  }
  const error = toFirstlightError(thrown);
  if (json) printErrorJson(io, error);
  else io.stderr.write(renderError(error, createStyle(io, io.stderr)));
  if (error.code === 'INTERNAL' && io.env.FIRSTLIGHT_LOG) io.stderr.write(`${(thrown as Error).stack}\n`);
  return error.exitCode;
}

const printErrorJson = (io: Io, error: FirstlightError) =>
  io.stdout.write(`${JSON.stringify({ error: errorJson(error) })}\n`);

function createProgram(io: Io, json: boolean, lazily: Lazily): Command {
  const program = new Command('firstlight')
    .description('Build functions into unikernels, boot them under libvirt, and see where a cold start’s time goes.')
    .version(locateResources().version)
    .showHelpAfterError('(--help shows the options)')
    .showSuggestionAfterError()
    // An option belongs to the command that it follows: `deploy status --target` is not that of `deploy`.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => {
        if (!json) io.stderr.write(text);
      },
      getOutHelpWidth: () => io.stdout.columns || 100,
      getErrHelpWidth: () => io.stderr.columns || 100,
    });
  const add = (usage: string, description: string, examples: readonly string[]): Command =>
    addTo(program, usage, description, examples);
  const addTo = (parent: Command, usage: string, description: string, examples: readonly string[]): Command =>
    parent
      .command(usage)
      .description(description)
      .option('--json', 'print JSON and nothing else on stdout')
      .addHelpText('after', `\nExample:\n${examples.map((line) => `  $ firstlight ${line}\n`).join('')}`);

  const eventOption = () =>
    new Option('--event <event>', 'the event: a file, JSON, or - for standard input (default: GET /)');

  const trustOption = () => new Option('--trust', 'trust the project first, as `firstlight trust` does');

  add('doctor', 'Check that this machine can boot functions, and say how to repair what cannot.', ['doctor --fix'])
    .option('--fix', 'apply every fix that Firstlight can apply itself')
    .action(lazily(async () => (await import('./commands/doctor.ts')).doctor));

  add('new <name>', 'Create a function project from a template.', [
    'new greet',
    `new greet --template hello --runtime ${runtimes.at(-1)?.id}`,
  ])
    .option('--template <id>', 'what to start from', 'hello')
    .option('--runtime <id>', 'what it runs on (default: the built-in unikernel)')
    .option('--dir <dir>', 'where (default: a folder of that name, here)')
    .action(lazily(async () => (await import('./commands/new.ts')).createNew));

  add('import <source>', 'Make a project of a Linux program, an ops config or package, or an OCI image.', [
    'import ./server',
    'import ./config.json --name shop',
    'import ./config.json --program ./server',
    'import ./lua_5.2.4.tar.gz',
    'import docker://registry.example/team/app:1.2',
    'import oci-archive:app.tar --dry-run',
  ])
    .option('--name <name>', 'the project’s name (default: after the source)')
    .option('--dir <dir>', 'where (default: a folder of that name, here)')
    .option('--program <path>', 'the program of an ops config that names none')
    .option('--dry-run', 'say what is in the source and make nothing')
    .action(lazily(async () => (await import('./commands/import.ts')).importSource));

  add('migrate [dir]', 'Rewrite an older firstlight.json: each key in its present place, comments kept.', [
    'migrate ./shop --dry-run',
    'migrate ./shop',
  ])
    .option('--dry-run', 'print the difference and write nothing')
    .action(lazily(async () => (await import('./commands/migrate.ts')).migrate));

  const exporting = program.command('export').description('Print a project as the configuration of another tool.');
  addTo(exporting, 'ops <dir>', 'Print a project as an ops config.json.', ['export ops ./shop > config.json']).action(
    lazily(async () => (await import('./commands/import.ts')).exportOps),
  );

  add('build <dir>', 'Build a project into a bootable image, and say what was made and what was reused.', [
    'build ./greet',
  ])
    .addOption(trustOption())
    .action(lazily(async () => (await import('./commands/build.ts')).build));

  add('run <dir>', 'Build a project, boot it, invoke it once, and print the response and the cold start’s timeline.', [
    'run ./greet',
    `run ./greet --event '{"name":"Ada"}' --json`,
    'run ./greet --env STAGE=staging --env HOST',
    'run ./greet --arg --verbose --arg notes.txt',
    'run ./greet --start prebooted',
    'run ./greet --vmm firecracker',
    'run ./greet --gdb',
    'run ./greet --host lab --keep',
  ])
    .addOption(eventOption())
    .option(
      '--env <name=value>',
      'a variable of its environment, or the name of one of yours; again for more',
      (word: string, before: readonly string[] = []) => [...before, word],
    )
    .option(
      '--arg <text>',
      'an argument, in place of those of firstlight.json; again for more',
      (word: string, before: readonly string[] = []) => [...before, word],
    )
    .option('--host <name>', 'where to run it (default: this machine’s libvirt)')
    .addOption(
      new Option('--vmm <name>', 'what starts the virtual machine on this one').choices(['libvirt', 'firecracker']),
    )
    .addOption(new Option('--start <mode>', 'how to start; see below').choices(startModes).default('cold'))
    .option('--keep', 'leave the instance running, also after this command has ended')
    .option('--gdb', 'hold the machine before its first instruction until gdb, whose command is printed, lets it run')
    .addOption(trustOption())
    .addHelpText(
      'after',
      `\nA start measures:\n${startModes.map((mode) => `  ${mode.padEnd(11)} ${startModeWords[mode]}\n`).join('')}`,
    )
    .action(lazily(async () => (await import('./commands/run.ts')).run));

  add(
    'trust <dir>',
    'Let a project have what it asks for outside its folder: files, the network, volumes. `build` and `run` say what.',
    ['trust ./shop', 'trust ./shop --revoke'],
  )
    .option('--revoke', 'trust it no longer')
    .action(lazily(async () => (await import('./commands/trust.ts')).trust));

  add('invoke <instance>', 'Invoke a running instance and print its response.', [
    `invoke greet-3f2a --event '{"name":"Ada"}'`,
  ])
    .addOption(eventOption())
    .action(lazily(async () => (await import('./commands/invoke.ts')).invoke));

  add(
    'deps <program>',
    'Show what a Linux program needs to run in a unikernel: interpreter, libraries, what is missing.',
    ['deps /usr/bin/python3', 'deps /usr/bin/server --root ./rootfs'],
  )
    .option('--root <dir>', 'look in this root file system (default: this machine’s)')
    .option('--library-path <dirs>', 'directories below the root to look in besides, with colons between')
    .action(lazily(async () => (await import('./commands/deps.ts')).showDeps));

  add('ps', 'List the instances on all hosts.', ['ps']).action(
    lazily(async () => (await import('./commands/ps.ts')).listInstances),
  );

  add('console <instance>', 'Attach to an instance’s serial console; Ctrl-] detaches.', [
    'console greet-3f2a',
    'console greet-3f2a > console.log',
  ]).action(lazily(async () => (await import('./commands/console.ts')).attachConsole));

  add('logs <run-or-instance>', 'Print what the serial console of a run or an instance has shown.', [
    'logs greet-3f2a',
    'logs greet-3f2a --stderr',
    'logs greet-3f2a --trace',
  ])
    .addOption(
      new Option('--trace', 'only what trace, strace and missing-files modes print').conflicts([
        'program',
        'stdout',
        'stderr',
      ]),
    )
    .addOption(new Option('--program', 'only what the program prints').conflicts(['stdout', 'stderr']))
    .addOption(new Option('--stdout', 'only what a function prints to stdout').conflicts('stderr'))
    .option('--stderr', 'only what it prints to stderr, as console.error does')
    .action(lazily(async () => (await import('./commands/logs.ts')).printLogs));

  add('stats [instance]', 'Show what instances use of CPU, memory, disk and network.', ['stats --watch'])
    .option('--watch', 'go on until Ctrl-C')
    .action(lazily(async () => (await import('./commands/stats.ts')).showStats));

  add('pause <instance>', 'Pause an instance: its processors stop, its memory stays.', ['pause greet-3f2a']).action(
    lazily(async () => (await import('./commands/pause.ts')).pause),
  );
  add('resume <instance>', 'Let a paused instance run on.', ['resume greet-3f2a']).action(
    lazily(async () => (await import('./commands/pause.ts')).resume),
  );
  add('stop [instance]', 'Stop an instance.', ['stop greet-3f2a', 'stop --all'])
    .option('--all', 'stop every instance')
    .action(lazily(async () => (await import('./commands/stop.ts')).stop));

  add('rm <instance-or-run>', 'Remove an instance (it is stopped first) or a recorded run.', ['rm greet-3f2a']).action(
    lazily(async () => (await import('./commands/rm.ts')).remove),
  );

  add('runs', 'List recorded runs, newest first.', ['runs --limit 5'])
    .option('--limit <n>', 'how many', integerBetween(1, 1000), 20)
    .action(lazily(async () => (await import('./commands/runs.ts')).listRuns));

  add('timeline <run>', 'Print a recorded run’s timeline, and how it compares with the runs like it.', [
    'timeline mf2k1x0q',
    'timeline mf2k1x0q --baseline mf2jzw41',
  ])
    .option('--baseline <run>', 'compare with the runs like this one (default: earlier runs of the same)')
    .action(lazily(async () => (await import('./commands/timeline.ts')).showTimeline));

  const kernels = program
    .command('kernel')
    .description('Install releases of a runtime’s kernel, and choose the one in use.');
  addKernelCommands(kernels, null, { addTo, lazily });
  for (const definition of runtimes) {
    if (definition.kernels === undefined) continue;
    const { id, title } = definition;
    const own = program.command(id).description(`Install releases of ${title}, and choose the one in use.`);
    addKernelCommands(own, definition, { addTo, lazily });
  }

  const projects = program.command('projects').description('List and close the projects that are open.');
  addTo(projects, 'ls', 'List the open projects, and what is wrong with them.', ['projects ls']).action(
    lazily(async () => (await import('./commands/projects.ts')).listProjects),
  );
  addTo(projects, 'close <project>', 'Take a project off the list; its folder stays.', [
    'projects close ./hello',
  ]).action(lazily(async () => (await import('./commands/projects.ts')).closeProject));

  const volume = program.command('volume').description('List, make and remove the volumes that functions keep.');
  addTo(volume, 'ls', 'List the volumes on this machine, and which instances have them.', ['volume ls']).action(
    lazily(async () => (await import('./commands/volume.ts')).listVolumes),
  );
  addTo(volume, 'new <name>', 'Make an empty volume.', ['volume new data --size 256'])
    .option('--size <MiB>', 'its size in MiB', integerBetween(2, 1_048_576), 64)
    .action(lazily(async () => (await import('./commands/volume.ts')).createVolume));
  addTo(volume, 'rm <name>', 'Remove a volume with all that is in it.', ['volume rm data']).action(
    lazily(async () => (await import('./commands/volume.ts')).removeVolume),
  );

  const host = program.command('host').description('List, add and remove the hosts that instances run on.');
  addTo(host, 'ls', 'List the hosts, and why one cannot be reached.', ['host ls'])
    .alias('list')
    .action(lazily(async () => (await import('./commands/host.ts')).listHosts));
  addTo(host, 'add <name> <uri>', 'Add another libvirt, by its address: a socket, SSH or TLS.', [
    'host add lab "qemu+unix:///system?socket=/run/lab/libvirt-sock"',
    'host add far qemu+ssh://ada@far.example/system',
  ]).action(lazily(async () => (await import('./commands/host.ts')).addHost));
  addTo(host, 'rm <name>', 'Take a host off the list; instances that were kept go on running there.', [
    'host rm lab',
  ]).action(lazily(async () => (await import('./commands/host.ts')).removeHost));

  const registry = program
    .command('registry')
    .description('Say which token services get the name and password for a registry.');
  addTo(registry, 'ls', 'List the registries with a token service on another host.', ['registry ls'])
    .alias('list')
    .action(lazily(async () => (await import('./commands/registry.ts')).listRegistries));
  addTo(
    registry,
    'allow <registry> <token-service>',
    'Send the name and password for a registry to its token service on another host, as GitLab has one.',
    ['registry allow registry.example.com https://gitlab.example.com'],
  ).action(lazily(async () => (await import('./commands/registry.ts')).allowRegistry));
  addTo(registry, 'rm <registry>', 'Send them to the registry’s own hosts only again.', [
    'registry rm registry.example.com',
  ]).action(lazily(async () => (await import('./commands/registry.ts')).forgetRegistry));

  addImageCommands(program.command('image'), addTo, lazily);
  addDeployCommands(program, addTo, lazily);

  add('gateway [dir...]', 'Serve all open functions by HTTP on this machine, from zero instances, until Ctrl-C.', [
    'gateway ./greet ./shop --port 8080',
    'gateway --start prestarted --idle 60 --concurrency 4',
  ])
    .option('--port <port>', 'the port (default: a free one)', integerBetween(0, 65_535))
    .option('--host <name>', 'where instances run (default: this machine’s libvirt)')
    .addOption(new Option('--start <mode>', 'how instances start').choices(startModes).default('cold'))
    .option('--concurrency <n>', 'the most instances of a function, each for one request', integerBetween(1, 64), 2)
    .option('--queue <n>', 'the most requests that wait for a function', integerBetween(0, 10_000), 16)
    .option('--idle <s>', 'seconds after which an instance without requests ends', integerBetween(0, 86_400), 30)
    .option('--deadline <s>', 'seconds within which a request is answered', integerBetween(1, 900), 60)
    .action(lazily(async () => (await import('./commands/gateway.ts')).serveFunctions));

  add('serve', 'Serve the studio to a browser on this machine, until Ctrl-C.', ['serve --port 8080'])
    .option('--port <port>', 'the port (default: a free one)', integerBetween(0, 65_535))
    .option('--open', 'open it in a window')
    .option('--root <dir...>', 'folders that it may open projects under (default: your home folder)')
    .action(lazily(async () => (await import('./commands/serve.ts')).serve));

  add('studio', 'Open the studio on a sample function: what `npm start` does.', ['studio'])
    .option('--no-window', 'print the URL and serve, even where there is a display')
    .action(lazily(async () => (await import('./commands/studio.ts')).openStudio));

  return program;
}

/** `image …`: an image is a file, a project's folder, or the id of a built one. */
function addImageCommands(image: Command, addTo: AddTo, lazily: Lazily): void {
  image.description('Look into an image without booting it: a file, a project, or the id of a built one.');
  const add = (usage: string, description: string, examples: readonly string[]) =>
    addTo(
      image,
      usage,
      description,
      examples.map((line) => `image ${line}`),
    );
  const partition = () =>
    new Option('--partition <name>', 'which file system').choices(['root', 'boot']).default('root');

  add('ls <image> [path]', 'List a directory of an image, with sizes.', ['ls ./app.img /etc', 'ls 3f2a9c01 -R --json'])
    .option('-R, --recursive', 'list everything below it')
    .addOption(partition())
    .action(lazily(async () => (await import('./commands/image.ts')).listImage));

  add('tree <image> [path]', 'Draw an image’s tree, what takes most space first.', ['tree ./app.img --depth 2'])
    .option('--depth <n>', 'how many levels', integerBetween(1, 4096), 3)
    .addOption(partition())
    .action(lazily(async () => (await import('./commands/image.ts')).drawImage));

  add('cat <image> <path>', 'Print a file of an image.', ['cat ./app.img /etc/passwd'])
    .addOption(partition())
    .action(lazily(async () => (await import('./commands/image.ts')).printImageFile));

  add('extract <image> <folder> [path]', 'Write an image’s files, or those under a path, into a new folder.', [
    'extract ./app.img ./out',
    'extract ./app.img ./lib /usr/lib',
  ])
    .addOption(partition())
    .action(lazily(async () => (await import('./commands/image.ts')).extractImage));

  add('save <dir> <folder>', 'Write a function’s container image, as a deploy pushes it, into an OCI layout.', [
    'save ./greet ./greet-oci',
    'save ./greet ./greet-oci --engine runtimeclass:runc --tag 1.0',
  ])
    .option('--engine <engine>', 'what runs it: pod, kubevirt or runtimeclass:NAME', 'pod')
    .option('--tag <tag>', 'its name in the layout', 'latest')
    .option('--profile <name>', 'a profile of "deploy" in firstlight.json')
    .action(lazily(async () => (await import('./commands/image.ts')).saveImage));

  add('info <image>', 'Say what an image is: partitions, label, program, options, space.', ['info ./app.img'])
    .addOption(partition())
    .action(lazily(async () => (await import('./commands/image.ts')).describeImage));

  add('diff <image> <other>', 'Say what is different in another image: files and options. Exits with 0 all the same.', [
    'diff ./before.img ./after.img',
  ])
    .addOption(partition())
    .action(lazily(async () => (await import('./commands/image.ts')).diffImages));
}
