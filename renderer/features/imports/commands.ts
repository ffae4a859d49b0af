import type { ListCommands } from '../../bind/command.ts';

/** Commands that import programs. */
export const listImportCommands: ListCommands = (studio) => {
  return [
    {
      id: 'import',
      title: 'Import a program, an ops configuration or an OCI image',
      group: 'Function',
      shortcut: 'Ctrl+Alt+I',
      icon: 'download',
      run: studio.imports.begin,
    },
  ];
};
