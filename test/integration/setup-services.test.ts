/** Set-up of libvirt's daemons, in name spaces of its own: no daemon of this machine is touched. */
import { execFileSync, spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const services = resolve(import.meta.dirname, '../../build/setup-services.mjs');
/** Folders where libvirt's daemons keep what another daemon must not see. */
const own = ['/run', '/var/lib/libvirt', '/var/log/libvirt', '/var/cache/libvirt'];
const inOwn = (script: string) =>
  ['unshare', '--mount', '--pid', '--net', '--fork', '--mount-proc', '--kill-child', 'sh', '-ec', script] as const;
const mounts = own.map((dir) => `mkdir -p ${dir} && mount -t tmpfs none ${dir}`).join('\n');
const lacking = ['libvirtd', 'virtlogd'].filter((name) => spawnSync(name, ['--version']).error);

function whyNot(): string | null {
  if (process.getuid?.() !== 0) return 'only root starts the daemons';
  if (lacking.length > 0) return `no ${lacking[0]}`;
  const [command, ...args] = inOwn(mounts);
  return spawnSync(command, args).status === 0 ? null : 'no name spaces can be made here';
}
const reason = whyNot();

describe.skipIf(reason !== null)(`libvirt${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  it('is started once by set-ups that come at the same time, and each goes on when it answers', () => {
    const setUp = `const { startLibvirt, isLibvirtUp } = await import(${JSON.stringify(services)});
      if (!(await isLibvirtUp())) await startLibvirt();
      console.log('answers:', await isLibvirtUp());`;
    const script = `${mounts}
      for each in 1 2 3; do node --input-type=module -e "$SET_UP" & done
      wait
      echo "daemons: $(pgrep -xc libvirtd) $(pgrep -xc virtlogd)"`;
    const [command, ...args] = inOwn(script);
    const out = execFileSync(command, args, { encoding: 'utf8', env: { ...process.env, SET_UP: setUp } });
    const said = out.split('\n').filter((line) => /^(answers|daemons):/.test(line));
    expect(said).toEqual(['answers: true', 'answers: true', 'answers: true', 'daemons: 1 1']);
  }, 60_000);
});
