import type { ListCommands } from '../../bind/command.ts';

/** Commands for the environment. */
export const listDoctorCommands: ListCommands = (studio) => {
  return [
    {
      id: 'doctor',
      title: 'Check the environment',
      group: 'Help',
      icon: 'environment',
      run: () => {
        studio.transient.setState({ center: 'environment' });
        void studio.doctor.run(true);
      },
    },
  ];
};
