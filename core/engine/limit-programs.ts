import type { CallHandlers, Engine } from '#shared/contract/index.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Target } from '#shared/model/deploy.ts';
import { windowSettingsKey } from '#shared/model/settings.ts';
import { registryOfKey } from '#shared/model/token-service.ts';

/** The options of a libvirt address that neither name a program or a file of this machine nor leave out a check. */
const harmlessOptions: ReadonlySet<string> = new Set(['mode', 'no_tty']);

/**
 * An engine whose callers cannot make it start a program of their choice, read a file by another's word, or send
 * credentials elsewhere: by an address of libvirt (`command`, `keyfile`), a kubeconfig (a plugin, `tokenFile`), or a
 * setting (`firecracker`, `hosts`, token services).
 *
 * A person does these on the command line. `isPicked` is true for a file that a person picked in a dialog.
 *
 * Errors: its calls throw PATH_ESCAPES, which say what to do there.
 */
export function limitPrograms<Limited extends Engine>(engine: Limited, isPicked: (path: string) => boolean): Limited {
  const { calls } = engine;
  const limited: Pick<CallHandlers, (typeof programCalls)[number]> = {
    'hosts:add': async (input, context) => {
      checkUri(input.uri, `firstlight host add ${input.name}`);
      return await calls['hosts:add'](input, context);
    },
    'targets:add': async (input, context) => await calls['targets:add'](contain(input, isPicked), context),
    'settings:set': async (input, context) => {
      for (const [key, value] of Object.entries(input.values)) checkSetting(key, value);
      return await calls['settings:set'](input, context);
    },
  };
  return { ...engine, calls: { ...calls, ...limited } };
}

/** The calls by which a program, or a file of another's choice, could be named. */
export const programCalls = ['hosts:add', 'targets:add', 'settings:set'] as const;

function checkUri(uri: string, command: string): void {
  // What is no URI is refused by the call itself.
  const options = URL.canParse(uri) ? [...new URL(uri).searchParams.keys()] : [];
  const refused = options.find((option) => !harmlessOptions.has(option.toLowerCase()));
  if (refused === undefined) return;
  throw refusal(`The option "${refused}" of ${uri} is not taken from a window.`, `${command} '…' takes it.`, refused);
}

/** A target whose kubeconfig runs nothing and names no file, unless a person picked it. */
function contain(target: Target, isPicked: (path: string) => boolean): Target {
  if (target.kind === 'libvirt') {
    for (const uri of target.uris) checkUri(uri, `firstlight target add ${target.name} --libvirt`);
    return target;
  }
  const { contained: _, ...own } = target;
  return own.kubeconfig === null || isPicked(own.kubeconfig) ? own : { ...own, contained: true };
}

/** A window has its own settings. It may take an allowance of credentials back, and give none. */
function checkSetting(key: string, value: unknown): void {
  if (key === windowSettingsKey) return;
  const registry = registryOfKey(key);
  if (registry !== null && value === null) return;
  const hint = registry === null ? 'Write it into settings.json.' : `firstlight registry allow ${registry} …`;
  throw refusal(`The setting "${key}" is not taken from a window.`, hint, key);
}

const refusal = (message: string, hint: string, subject: string) =>
  new FirstlightError('PATH_ESCAPES', message, { hint, details: { subject } });
