/** The key of the settings under which a window keeps its state. The engine does not read it. */
export const windowSettingsKey = 'studio';
