import type { Client } from '#shared/contract/client.ts';
import { toFirstlightError } from '#shared/errors.ts';
import {
  type DeployChoice,
  type DeployedDetails,
  type DeployedRef,
  type DeployStore,
  deployedKey,
} from '../../state/deployments.ts';
import { failed, idle, type Loadable, loading, ready } from '../../state/loadable.ts';

/** The details of the shown function, read when it is chosen and at each change. */
export function createDetails(client: Client, store: DeployStore) {
  let isReading = false;
  let isStale = false;

  const put = (of: DeployedRef, change: Partial<DeployedDetails>) =>
    store.setState(({ details }) => (details?.key === deployedKey(of) ? { details: { ...details, ...change } } : {}));

  async function read<Key extends 'deployment' | 'revisions' | 'coldStart'>(
    of: DeployedRef,
    key: Key,
    work: () => Promise<NonNullable<DeployedDetails[Key]['value']>>,
  ): Promise<void> {
    const set = (value: Loadable<NonNullable<DeployedDetails[Key]['value']>>) =>
      put(of, { [key]: value } as Partial<DeployedDetails>);
    const before = () => store.getState().details?.[key] as Loadable<NonNullable<DeployedDetails[Key]['value']>>;
    set(loading(before()));
    try {
      set(ready(await work()));
    } catch (thrown) {
      set(failed(before(), toFirstlightError(thrown)));
    }
  }

  async function readAll(of: DeployedRef): Promise<void> {
    await Promise.all([
      read(of, 'deployment', () => client.call('deploy:get', { ...of })),
      read(of, 'revisions', () => client.call('deploy:history', { ...of })),
      read(of, 'coldStart', () => client.call('deploy:coldStart', { ...of })),
    ]);
  }

  /** One reading at a time: a change during a reading causes another one after it. */
  async function refresh(): Promise<void> {
    isStale = true;
    if (isReading) return;
    isReading = true;
    try {
      while (isStale) {
        isStale = false;
        const { choice } = store.getState();
        if (choice?.kind === 'function') await readAll(choice.of);
      }
    } finally {
      isReading = false;
    }
  }

  function show(choice: DeployChoice): void {
    if (choice?.kind !== 'function') {
      store.setState({ choice, details: null });
      return;
    }
    const key = deployedKey(choice.of);
    const { details } = store.getState();
    store.setState({
      choice,
      details: details?.key === key ? details : { key, deployment: idle, revisions: idle, coldStart: idle },
    });
    void refresh();
  }

  return { show, refresh };
}
