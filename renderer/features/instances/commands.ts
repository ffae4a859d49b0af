import type { Command, ListCommands } from '../../bind/command.ts';

/** Commands for running instances. */
export const listInstanceCommands: ListCommands = (studio) => {
  const alive = (studio.session.getState().instances.value ?? []).filter(
    (entry) => entry.state !== 'stopped' && entry.state !== 'failed',
  );
  return [
    ...alive.flatMap((instance): Command[] => [
      {
        id: `console-${instance.id}`,
        title: `Console of ${instance.id}`,
        group: 'Instance',
        icon: 'terminal',
        run: () => studio.consoles.open(instance.id),
      },
      {
        id: `call-${instance.id}`,
        title: `Call ${instance.id} with the event`,
        group: 'Instance',
        icon: 'send',
        disabled: instance.state !== 'ready',
        run: () => void studio.invoke.call(instance.id),
      },
      {
        id: `stop-${instance.id}`,
        title: `Stop ${instance.id}`,
        group: 'Instance',
        icon: 'stop',
        run: () => void studio.instances.stop(instance.id),
      },
    ]),
  ];
};
