/** What containerd and runc start of an image's configuration, beside what we start: random configurations. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeLayout } from '@firstlight/oci/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openOciImage } from '#core/programs/oci/open-oci-image.ts';
import { defaultPath } from '#core/programs/oci/resolve-command.ts';
import { createLayout } from '#core/store/layout.ts';
import { toFirstlightError } from '#shared/errors.ts';
import { type Containerd, startContainerd, whyNoContainerd } from './containerd.ts';

const reason = whyNoContainerd();
const rounds = 12;

/** Prints what it was started with, each text in hexadecimal. */
const probeSource = `
#include <stdio.h>
#include <unistd.h>
extern char **environ;
static void show(const char *what, const char *text)
{
  printf("%s ", what);
  for (; *text; text++)
    printf("%02x", (unsigned char)*text);
  putchar('\\n');
}
int main(int count, char **args)
{
  char cwd[4096];

  for (int i = 0; i < count; i++)
    show("argv", args[i]);
  for (int i = 0; environ[i]; i++)
    show("env", environ[i]);
  show("cwd", getcwd(cwd, sizeof cwd) ? cwd : "");
  return 0;
}
`;

/** The same choices for the same seed. */
function createChooser(seed: number) {
  let state = seed;
  const below = (count: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return Math.floor((state / 0x80000000) * count);
  };
  const one = <Value>(values: readonly Value[]): Value => values[below(values.length)] as Value;
  const some = <Value>(values: readonly Value[], most: number) =>
    Array.from({ length: below(most + 1) }, () => one(values));
  return { below, one, some };
}

const programs = [
  'probe',
  '/bin/probe',
  'probe2',
  './local',
  '/srv/local',
  'bin/probe',
  '/bin/../bin/probe',
  'none',
  '',
];
const variables = ['A=1', 'A=2', 'A=', 'B=a=b', 'HOME=/h', 'HOME=', 'X Y=1', 'é=ü', 'a.b-c=1', 'C= lead', 'a=1'];
// Where there are variables, but no PATH, containerd adds none, and Docker does, as we do.
const paths = ['PATH=/opt/bin:/usr/bin', 'PATH=/usr/bin:/bin', 'PATH=/none'];
const users = [
  '',
  'root',
  '0',
  '0:0',
  'ada',
  '1000',
  '1000:50',
  'ada:staff',
  'bob',
  'eve',
  '4242',
  '0:50',
  'root:staff',
  '1001',
];
// A relative one begins at the root here, as in podman; runc refuses it.
const folders = ['/srv', '/srv', '/srv/../srv', '', '/', '/srv/', '//srv', '/new/deep'];

function randomConfig(seed: number): Record<string, unknown> {
  const { below, one, some } = createChooser(seed);
  const words = () => some(['a', '', '--x=1', 'é', '$HOME', 'a b', '"q"', '\n'], 3);
  const entry = one<readonly string[] | null | undefined>([
    undefined,
    null,
    [],
    [one(programs)],
    [one(programs), ...words()],
  ]);
  const command = (entry ?? []).length > 0 ? words() : [one(programs), ...words()];
  const whole = {
    ...(entry !== undefined && { Entrypoint: entry }),
    Cmd: one([command, command, command, null, []]),
    Env: one([[...some(variables, 5), ...some(paths, 1), one(paths), ...some(variables, 2)], null, []]),
    WorkingDir: one(folders),
    User: one(users),
    ExposedPorts: one([{ '80/tcp': {} }, { '80': {}, '53/udp': {} }, { '8000-8005/tcp': {} }, {}, null]),
    Volumes: one([{ '/data': {} }, {}, null]),
    StopSignal: one(['SIGTERM', '9', 'SIGRTMIN+3', '']),
    Healthcheck: one([{ Test: ['CMD', 'x'] }, null]),
    Shell: one([['/bin/bash', '-c'], null]),
    ArgsEscaped: one([true, false]),
    Labels: one([{ a: 'b' }, null]),
  };
  if (below(6) > 0) return whole;
  return {
    ...whole,
    ...one<object>([{ Cmd: 'probe' }, { Entrypoint: 'probe' }, { Env: { A: '1' } }, { WorkingDir: 7 }]),
  };
}

interface Started {
  readonly argv: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
}

describe.skipIf(reason !== null)(
  `the configuration of an image${reason === null ? '' : ` (skipped: ${reason})`}`,
  () => {
    let containerd: Containerd;
    let dir: string;
    let probe: Buffer;
    beforeAll(async () => {
      containerd = await startContainerd('image-config', probeSource);
      dir = containerd.dir;
      probe = readFileSync(containerd.probePath);
    }, 60_000);
    afterAll(() => containerd.stop());
    const ctr: Containerd['ctr'] = (...words) => containerd.ctr(...words);

    /** What runc starts; null where it refuses. */
    function startedByRunc(layout: string): Started | null {
      const archive = join(dir, 'image.tar');
      execFileSync('tar', ['cf', archive, '-C', layout, '.']);
      const imported = ctr('images', 'import', '--base-name', 'x/y', archive);
      const ran = imported.status === 0 ? ctr('run', '--rm', '--snapshotter', 'native', 'x/y:v1', 'probe') : imported;
      ctr('images', 'rm', '--sync', 'x/y:v1');
      if (ran.status !== 0) return null;
      const found: Record<string, string[]> = { argv: [], env: [], cwd: [] };
      for (const line of ran.stdout.trimEnd().split('\n')) {
        const [what = '', text = ''] = line.split(' ');
        found[what]?.push(Buffer.from(text, 'hex').toString());
      }
      return { argv: found.argv ?? [], env: (found.env ?? []).sort(), cwd: found.cwd?.[0] ?? '' };
    }

    /** What we start; null where the import names a reason not to. */
    async function startedByUs(layout: string): Promise<Started | null> {
      const options = { layout: createLayout({ home: join(dir, 'home'), env: {}, uid: 0 }), cwd: '/', env: {} };
      try {
        const { run } = await openOciImage(`oci:${layout}`, options);
        if (run.program === null) {
          expect(run.warnings.length).toBeGreaterThan(0);
          return null;
        }
        const env = { PATH: defaultPath, ...(run.home !== null && { HOME: run.home }), ...run.env };
        const lines = Object.entries(env).map(([name, value]) => `${name}=${value}`);
        return { argv: [run.argv0 ?? run.program, ...run.args], env: lines.sort(), cwd: run.cwd ?? '/' };
      } catch (thrown) {
        expect(toFirstlightError(thrown).code).toBe('ARCHIVE_INVALID');
        return null;
      }
    }

    it.each(Array.from({ length: rounds }, (_, index) => index + 1))(
      'starts what runc starts (seed %d)',
      async (seed) => {
        const config = randomConfig(seed * 7919);
        const folder = (name: string) => ({ name: `${name}/`, type: 'directory', mode: 0o755 }) as const;
        const program = (name: string) => ({ name, data: probe, mode: 0o755 });
        const passwd =
          'root:x:0:0:root:/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\nbob:x:1001:50::no/path:/bin/sh\neve:x:7:7:::/bin/sh\n';
        const files = [
          ...['bin', 'usr', 'usr/bin', 'opt', 'opt/bin', 'srv', 'etc'].map(folder),
          ...['bin/probe', 'usr/bin/probe2', 'opt/bin/probe2', 'srv/local'].map(program),
          { name: 'etc/passwd', data: passwd },
          { name: 'etc/group', data: 'root:x:0:\nada:x:1000:\nstaff:x:50:ada\n' },
        ];
        const layout = join(dir, `layout-${seed}`);
        await makeLayout(layout, [{ layers: [files], config, tag: 'v1' }]);
        expect({ config, started: await startedByUs(layout) }).toEqual({ config, started: startedByRunc(layout) });
      },
      120_000,
    );
  },
);
