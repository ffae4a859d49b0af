import { createStore, type StoreApi } from 'zustand/vanilla';
import type { CallOutput } from '#shared/contract/index.ts';
import type { FirstlightError } from '#shared/errors.ts';
import type { ImportProposal } from '#shared/model/import.ts';
import type { RuntimeId } from '#shared/model/project.ts';
import type { PhaseName } from '#shared/model/timeline.ts';
import type { InstanceId, ProjectId, RunId } from '#shared/model/units.ts';
import { idle, type Loadable } from './loadable.ts';

/** Long work in progress in a project: its step, its progress, and how to cancel it. */
export interface Task {
  readonly kind: 'run' | 'build' | 'invoke';
  /** Units: ms since the Unix epoch. */
  readonly startedAtMs: number;
  readonly message: string;
  /** Units: 0 to 1; null when unknown. */
  readonly fraction: number | null;
  readonly cancelling: boolean;
  /** The start of the wait for the handler's answer, and its limit; null before. Units: ms since the Unix epoch, ms. */
  readonly answer: { readonly sinceMs: number; readonly limitMs: number } | null;
  readonly cancel: () => void;
}

export type ConsoleTab =
  | { readonly key: string; readonly kind: 'live'; readonly instanceId: InstanceId }
  | {
      readonly key: string;
      readonly kind: 'replay';
      readonly runId: RunId;
      readonly title: string;
      /** True when it was opened automatically for a shown run: the next run's console replaces it. */
      readonly passing: boolean;
    };

export type Dialog =
  | { readonly kind: 'palette' }
  | { readonly kind: 'new-function' }
  | { readonly kind: 'open-folder' }
  | { readonly kind: 'shortcuts' }
  | { readonly kind: 'import' }
  | { readonly kind: 'open-image' }
  | { readonly kind: 'add-target' }
  | { readonly kind: 'instance'; readonly instanceId: InstanceId }
  | { readonly kind: 'trust'; readonly projectId: ProjectId }
  | { readonly kind: 'new-file' }
  | { readonly kind: 'rename-file'; readonly path: string }
  | {
      readonly kind: 'confirm';
      readonly title: string;
      readonly message: string;
      readonly action: string;
      readonly onConfirm: () => void;
    };

/** The source of a release: a published one, or a person's own build. */
export type KernelSource =
  | { readonly kind: 'official'; readonly version: string }
  | { readonly kind: 'local'; readonly from: string; readonly as: string | null };

/** `notice`: the notice about binary releases has to be read first. */
export interface KernelInstall {
  readonly runtime: RuntimeId;
  readonly source: KernelSource;
  readonly stage: 'notice' | 'working' | 'failed';
  readonly message: string;
  /** Units: 0 to 1; null when unknown. */
  readonly fraction: number | null;
  readonly cancelling: boolean;
  readonly cancel: () => void;
  readonly error: FirstlightError | null;
}

/** An import on its way from a source to a project. */
export interface Importing {
  readonly source: string;
  /** `asking`: waits for a source. `proposed`: a person decides. */
  readonly stage: 'asking' | 'examining' | 'proposed' | 'creating';
  readonly message: string;
  /** Units: 0 to 1; null when unknown. */
  readonly fraction: number | null;
  readonly cancelling: boolean;
  readonly proposal: ImportProposal | null;
  /** The reason why the source could not be read, or the project not be created. */
  readonly error: FirstlightError | null;
}

export const noImport: Importing = {
  source: '',
  stage: 'asking',
  message: '',
  fraction: null,
  cancelling: false,
  proposal: null,
  error: null,
};

export interface Toast {
  readonly id: number;
  readonly error: FirstlightError | null;
  readonly message: string;
  /** An action on it, such as undo. */
  readonly action: { readonly label: string; readonly run: () => void } | null;
}

/** The search in the files of a project, with its results. */
export interface FileSearch {
  readonly text: string;
  readonly matchCase: boolean;
  readonly found: Loadable<CallOutput<'projects:search'>>;
}

/** A place for the editor to show. Shape: `serial` differs per request, so that a place can be requested twice. */
export interface Reveal {
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly serial: number;
}

/** The content of the window's middle. Those in `wideViews` also cover the panels beside and below it. */
export type Center =
  | 'editor'
  | 'environment'
  | 'releases'
  | 'image'
  | 'options'
  | 'settings'
  | 'run'
  | 'deployments'
  | 'gateway';
export const wideViews: readonly Center[] = [
  'releases',
  'image',
  'options',
  'settings',
  'run',
  'deployments',
  'gateway',
];

export type DockTab = 'resources' | 'build' | 'problems' | 'runs' | 'trace' | `console:${string}`;

/** The state that is not kept: hovered, in progress or in front. */
export interface TransientState {
  readonly tasks: Readonly<Record<string, Task>>;
  readonly dialog: Dialog | null;
  readonly toasts: readonly Toast[];
  /** The entries to be deleted, by id: hidden, and shown again after an undo. */
  readonly leaving: ReadonlySet<string>;
  readonly dockTab: DockTab;
  readonly consoles: readonly ConsoleTab[];
  readonly selectedPhase: PhaseName | null;
  /** The instance whose graphs are shown; null: the one of the shown run. */
  readonly focusedInstanceId: InstanceId | null;
  readonly reveal: Reveal | null;
  /** A request to the editor, by the editor's own name of the action. */
  readonly editorAction: string | null;
  readonly cursor: { readonly line: number; readonly column: number } | null;
  readonly center: Center;
  readonly search: FileSearch;
  /** The run whose page is shown. */
  readonly runPage: RunId | null;
  /** The runtime whose releases are shown in `center`; null: the first one with releases. */
  readonly releasesOf: RuntimeId | null;
  /** An installation of a kernel that waits for a person, is in progress, or failed. */
  readonly kernelInstall: KernelInstall | null;
  readonly importing: Importing | null;
  /** Counts the resets of the panels to their first sizes. */
  readonly layoutSerial: number;
}

export type TransientStore = StoreApi<TransientState>;

const initialTransient: TransientState = {
  tasks: {},
  dialog: null,
  toasts: [],
  leaving: new Set(),
  dockTab: 'build',
  consoles: [],
  selectedPhase: null,
  focusedInstanceId: null,
  reveal: null,
  editorAction: null,
  cursor: null,
  center: 'editor',
  search: { text: '', matchCase: false, found: idle },
  runPage: null,
  releasesOf: null,
  kernelInstall: null,
  importing: null,
  layoutSerial: 0,
};

export const createTransientStore = (): TransientStore => createStore<TransientState>()(() => initialTransient);
