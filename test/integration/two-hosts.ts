import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Project } from '#shared/model/project.ts';
import { createSecondLibvirtd, type SecondLibvirtd } from './second-libvirtd.ts';
import { createSshd } from './sshd.ts';
import { makeHome, openStudio, removeHome, type Studio } from './studio.ts';

/** Two libvirtds that share no files with this machine, as the target `lab` of a studio: one by SSH, one by its socket. */
export interface TwoHosts {
  readonly home: string;
  readonly one: SecondLibvirtd;
  readonly two: SecondLibvirtd;
  readonly studio: Studio;
  /** Writes the handler of a project. */
  readonly write: (project: Project, source: string) => void;
  readonly close: () => Promise<void>;
}

export async function openTwoHosts(): Promise<TwoHosts> {
  const home = makeHome();
  const dirs = [makeHome(), makeHome()] as const;
  const [one, two] = dirs.map((dir) => createSecondLibvirtd(dir, { hidden: [home] }));
  if (one === undefined || two === undefined) throw new Error('There are no hosts.');
  const sshd = await createSshd(join(home, 'sshd'));
  await Promise.all([sshd.start(), one.start(), two.start()]);
  const studio = await openStudio({ home });
  const uris = [sshd.uri('/system', { socket: join(dirs[0], 'sockets/libvirt-sock') }), two.uri];
  await studio.client.call('targets:add', { name: 'lab', kind: 'libvirt', uris });
  return {
    ...{ home, one, two, studio },
    write: (project, source) => writeFileSync(join(project.dir, 'handler.ts'), source),
    close: async () => {
      await studio.close();
      for (const lab of [one, two]) {
        lab.destroyDomains('fn-');
        await lab.kill();
      }
      await sshd.kill();
      for (const dir of [home, ...dirs]) removeHome(dir);
    },
  };
}

/** The lines that virsh prints about a host. */
export const virsh = (uri: string, ...args: readonly string[]): string[] =>
  execFileSync('virsh', ['-c', uri, ...args], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line !== '');

/** What a number of clients get, each of which asks again and again until some work is done. Errors: those of the work. */
export async function askUntil(
  work: Promise<unknown>,
  clients: number,
  ask: () => Promise<string>,
): Promise<readonly string[]> {
  const outcomes: string[] = [];
  let isDone = false;
  const asking = Array.from({ length: clients }, async () => {
    while (!isDone) outcomes.push(await ask());
  });
  try {
    await work;
  } finally {
    isDone = true;
    await Promise.all(asking);
  }
  return outcomes;
}
