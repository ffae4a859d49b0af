import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Json } from '#shared/model/json.ts';
import { windowSettingsKey } from '#shared/model/settings.ts';
import { type StartMode, startModes } from '#shared/model/timeline.ts';

export type ThemeChoice = 'system' | 'light' | 'dark';
export const areas = [
  'functions',
  'instances',
  'builds',
  'runs',
  'environment',
  'images',
  'search',
  'deployments',
  'gateway',
] as const;
export type Area = (typeof areas)[number];

/** The files that were open in a project. */
export interface OpenTabs {
  readonly paths: readonly string[];
  readonly active: string | null;
}

/** A file's text as typed. Shape: `revision` is that of the edited file. */
export interface Draft {
  readonly text: string;
  readonly revision: string | null;
}

/** A person's choices on the settings page. */
export interface Preferences {
  /** Names of fonts in CSS syntax; empty: the default. */
  readonly editorFont: string;
  /** Units: px. */
  readonly editorFontSize: number;
  /** Units: px. */
  readonly windowFontSize: number;
  readonly wordWrap: boolean;
  readonly formatOnSave: boolean;
  /** Keys other than the default ones, by command; empty: none. */
  readonly keys: Readonly<Record<string, string>>;
}

export const initialPreferences: Preferences = {
  editorFont: '',
  editorFontSize: 13,
  windowFontSize: 12,
  wordWrap: false,
  formatOnSave: false,
  keys: {},
};

/** Sizes outside of these make the window unusable. Units: px. */
export const fontSizes = { editor: { min: 9, max: 28 }, window: { min: 10, max: 16 } } as const;

/** The state that is kept between starts of the studio. */
export interface SavedState {
  readonly theme: ThemeChoice;
  readonly startMode: StartMode;
  readonly area: Area;
  readonly projectId: string | null;
  /** Panel sizes by group. Units: percent. */
  readonly layouts: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly tabs: Readonly<Record<string, OpenTabs>>;
  /** The event as a person typed it, by project. */
  readonly events: Readonly<Record<string, string>>;
  /** The unsaved changes, by file, so that closing the window loses nothing. */
  readonly drafts: Readonly<Record<string, Draft>>;
  readonly tipsDismissed: boolean;
  readonly preferences: Preferences;
  /** The host where it runs, by project; without an entry this machine's libvirt. */
  readonly hosts: Readonly<Record<string, string>>;
  /** The file in the second editor beside the first, by project. */
  readonly split: Readonly<Record<string, string>>;
}

export type SavedStore = StoreApi<SavedState>;

export const initialSaved: SavedState = {
  theme: 'system',
  startMode: 'prestarted',
  area: 'functions',
  projectId: null,
  layouts: {},
  tabs: {},
  events: {},
  drafts: {},
  tipsDismissed: false,
  preferences: initialPreferences,
  hosts: {},
  split: {},
};

export const createSavedStore = (): SavedStore => createStore<SavedState>()(() => initialSaved);

/** The key under which the engine stores the state. */
export const savedKey = windowSettingsKey;

/** The state from an earlier start, as far as it can still be parsed: a value of another shape is left out. */
export function readSaved(value: Json | undefined): Partial<SavedState> {
  if (!isRecord(value)) return {};
  const out: { -readonly [Key in keyof SavedState]?: SavedState[Key] } = {};
  if (value.theme === 'system' || value.theme === 'light' || value.theme === 'dark') out.theme = value.theme;
  const startMode = startModes.find((mode) => mode === value.startMode);
  if (startMode !== undefined) out.startMode = startMode;
  // The environment's view is temporary: a start begins with the functions again.
  const area = areas.find((name) => name === value.area && name !== 'environment');
  if (area !== undefined) out.area = area;
  if (typeof value.projectId === 'string') out.projectId = value.projectId;
  if (typeof value.tipsDismissed === 'boolean') out.tipsDismissed = value.tipsDismissed;
  out.preferences = readPreferences(value.preferences);
  out.hosts = pickRecord(value.hosts, (name) => (typeof name === 'string' ? name : undefined));
  out.split = pickRecord(value.split, (path) => (typeof path === 'string' ? path : undefined));
  out.layouts = pickRecord(value.layouts, (layout) =>
    isRecord(layout) ? pickRecord(layout, (size) => (typeof size === 'number' ? size : undefined)) : undefined,
  );
  out.events = pickRecord(value.events, (text) => (typeof text === 'string' ? text : undefined));
  out.drafts = pickRecord(value.drafts, (draft) =>
    isRecord(draft) && typeof draft.text === 'string'
      ? { text: draft.text, revision: typeof draft.revision === 'string' ? draft.revision : null }
      : undefined,
  );
  out.tabs = pickRecord(value.tabs, (tabs) => {
    if (!isRecord(tabs) || !Array.isArray(tabs.paths)) return undefined;
    const paths = tabs.paths.filter((path) => typeof path === 'string');
    return { paths, active: typeof tabs.active === 'string' ? tabs.active : null };
  });
  return out;
}

const isRecord = (value: Json | undefined): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function readPreferences(value: Json | undefined): Preferences {
  if (!isRecord(value)) return initialPreferences;
  const size = (found: Json | undefined, { min, max }: { min: number; max: number }, usual: number) =>
    typeof found === 'number' && found >= min && found <= max ? found : usual;
  return {
    editorFont: typeof value.editorFont === 'string' ? value.editorFont : initialPreferences.editorFont,
    editorFontSize: size(value.editorFontSize, fontSizes.editor, initialPreferences.editorFontSize),
    windowFontSize: size(value.windowFontSize, fontSizes.window, initialPreferences.windowFontSize),
    wordWrap: value.wordWrap === true,
    formatOnSave: value.formatOnSave === true,
    keys: pickRecord(value.keys, (key) => (typeof key === 'string' ? key : undefined)),
  };
}

function pickRecord<T>(value: Json | undefined, read: (entry: Json) => T | undefined): Record<string, T> {
  const out: Record<string, T> = {};
  if (!isRecord(value)) return out;
  for (const [key, entry] of Object.entries(value)) {
    const read_ = read(entry);
    if (read_ !== undefined) out[key] = read_;
  }
  return out;
}
