import type { ListCommands } from '../../bind/command.ts';

/** Commands that start and stop the gateway. */
export const listGatewayCommands: ListCommands = ({ gateway }) => {
  const { status, step } = gateway.store.getState();
  const runs = status.value?.gateway != null;
  return [
    {
      id: 'gateway-start',
      title: 'Start the gateway: serve the open functions by HTTP',
      group: 'Function',
      icon: 'gateway',
      disabled: runs || step !== null,
      run: () => {
        gateway.open();
        void gateway.start();
      },
    },
    {
      id: 'gateway-stop',
      title: 'Stop the gateway',
      group: 'Function',
      icon: 'gateway',
      disabled: !runs || step !== null,
      run: () => void gateway.stop(),
    },
  ];
};
