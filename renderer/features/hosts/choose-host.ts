import { type HostInfo, localHostName } from '#shared/model/host.ts';
import { type StudioContext, setSavedEntry } from '../../state/context.ts';

/** The host that runs a function: the chosen one, or this machine's where that is gone. Shape: undefined until they are known. */
export const shownHost = (hosts: readonly HostInfo[], chosen: string | undefined): HostInfo | undefined =>
  hosts.find(({ name }) => name === chosen) ?? hosts[0];

/** Keeps the host that runs a project's function. */
export const chooseHost = (context: StudioContext, projectId: string, name: string): void =>
  setSavedEntry(context, 'hosts', projectId, name === localHostName ? undefined : name);
