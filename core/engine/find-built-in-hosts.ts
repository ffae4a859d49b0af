/** The hosts that need no address: they are there when their programs are. */
import type { Layout } from '#core/store/layout.ts';
import type { Settings } from '#core/store/settings.ts';
import type { BuiltInHost } from '#core/vmm/built-in-host.ts';
import { findFirecracker } from '#core/vmm/firecracker/find-firecracker.ts';
import { findJailer } from '#core/vmm/firecracker/find-jailer.ts';
import { firecrackerHost } from '#core/vmm/firecracker/firecracker-host.ts';

export interface BuiltInHostsOptions {
  readonly settings: Settings;
  readonly layout: Layout;
  readonly env: NodeJS.ProcessEnv;
  readonly uid: number;
}

/** The built-in hosts of this machine. */
export async function findBuiltInHosts({ settings, layout, env, uid }: BuiltInHostsOptions): Promise<BuiltInHost[]> {
  const program = await findFirecracker(settings, env);
  if (program === null) return [];
  return [firecrackerHost({ program, jailer: await findJailer(program, settings, { env, uid }), layout, env, uid })];
}
