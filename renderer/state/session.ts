import { createStore, type StoreApi } from 'zustand/vanilla';
import type { AppInfo } from '#shared/contract/app.ts';
import type { ImageRef } from '#shared/contract/images.ts';
import type { CallOutput } from '#shared/contract/index.ts';
import type { FirstlightError, Problem } from '#shared/errors.ts';
import type { DoctorReport } from '#shared/model/doctor.ts';
import type { HostInfo } from '#shared/model/host.ts';
import type { BuildResult } from '#shared/model/image.ts';
import type { ImageInfo, ImagePartition, ImageText, ImageTree, StoredImage } from '#shared/model/image-tree.ts';
import type { Instance } from '#shared/model/instance.ts';
import type { MetricSample } from '#shared/model/metrics.ts';
import type { Project, ProjectFile, RuntimeInfo } from '#shared/model/project.ts';
import type { Invocation, Run, RunSummary } from '#shared/model/run.ts';
import type { BootTimeline, StartMode } from '#shared/model/timeline.ts';
import type { InstanceId, ProjectId, RunId } from '#shared/model/units.ts';
import { idle, type Loadable } from './loadable.ts';

/** The releases of a runtime's kernel on the engine's machine, and the notice for published ones. */
export type KernelReleases = CallOutput<'kernels:list'>;

/** The state of the connection to the engine, as the window shows it. */
export interface LinkState {
  readonly status: 'connecting' | 'connected' | 'lost';
  readonly attempt: number;
  readonly retryAtMs: number | null;
}

/** A file that is open in the editor. Shape: `revision` is the one `savedText` was read at. */
export interface Doc {
  readonly projectId: ProjectId;
  readonly path: string;
  readonly status: 'loading' | 'ready' | 'failed';
  readonly savedText: string;
  readonly text: string;
  readonly revision: string | null;
  readonly saving: boolean;
  readonly error: FirstlightError | null;
  /** True when the file on disk differs from the edited one. */
  readonly conflict: 'changed' | 'deleted' | null;
}

export type DocKey = string;
export const docKey = (projectId: string, path: string): DocKey => `${projectId}:${path}`;
export const isDirty = (doc: Doc): boolean => doc.status === 'ready' && doc.text !== doc.savedText;

/** The state of a project's last build. */
export interface BuildState {
  readonly running: boolean;
  readonly result: BuildResult | null;
  readonly error: FirstlightError | null;
  /** Units: ms since the Unix epoch. */
  readonly finishedAtMs: number | null;
}

export const noBuild: BuildState = { running: false, result: null, error: null, finishedAtMs: null };

/** A call to an instance that was already running. */
export interface WarmCall {
  readonly instanceId: InstanceId;
  readonly invocation: Invocation;
}

/** The content of the response, timeline and history panels for a project. */
export interface Shown {
  readonly run: Run | null;
  readonly previous: Run | null;
  readonly loadingRunId: RunId | null;
  /** The error that kept a run from starting, or from being read. */
  readonly failure: FirstlightError | null;
  readonly warm: WarmCall | null;
  /** The last run or call was cancelled, this long after its start; the panels show the one before. Units: ms. */
  readonly cancelledAfterMs: number | null;
  /** Why no earlier run is drawn beneath the shown one; null when one is, or there is no reason to show. */
  readonly notCompared: string | null;
  /** The requested start mode, where this window started the run: it is cold when nothing was prestarted yet. */
  readonly asked: StartMode | null;
}

/** A run in progress. */
export interface LiveRun {
  readonly runId: RunId;
  readonly timeline: BootTimeline;
}

export const nothingShown: Shown = {
  run: null,
  previous: null,
  loadingRunId: null,
  failure: null,
  warm: null,
  cancelledAfterMs: null,
  notCompared: null,
  asked: null,
};

/** An image that is being inspected. */
export interface Inspected {
  readonly image: ImageRef;
  readonly partition: ImagePartition;
  readonly info: Loadable<ImageInfo>;
  /** Stays idle for an image that has no file system. */
  readonly tree: Loadable<ImageTree>;
  /** The file that is read, and its content. */
  readonly path: string | null;
  readonly text: Loadable<ImageText>;
}

/** The engine's current data, and the open views of it. Lost when the window closes. */
export interface SessionState {
  readonly link: LinkState;
  readonly info: AppInfo | null;
  /** The runtimes for functions, the default first. */
  readonly runtimes: readonly RuntimeInfo[];
  /** The hosts of instances, this machine first. */
  readonly hosts: readonly HostInfo[];
  readonly projects: Loadable<readonly Project[]>;
  readonly templates: Loadable<readonly { id: string; title: string; description: string }[]>;
  readonly files: Readonly<Record<string, Loadable<readonly ProjectFile[]>>>;
  readonly types: Readonly<Record<string, readonly { path: string; text: string }[]>>;
  /** Source files of a project as they are on disk, so that imports of them can be checked before they are opened. */
  readonly sources: Readonly<Record<string, readonly { path: string; text: string }[]>>;
  readonly docs: Readonly<Record<DocKey, Doc>>;
  /** The problems found by the editor's own TypeScript service, by file. */
  readonly editorProblems: Readonly<Record<DocKey, readonly Problem[]>>;
  readonly instances: Loadable<readonly Instance[]>;
  /** Units: oldest first, the last minutes. */
  readonly samples: Readonly<Record<string, readonly MetricSample[]>>;
  readonly runs: Readonly<Record<string, Loadable<readonly RunSummary[]>>>;
  readonly builds: Readonly<Record<string, BuildState>>;
  readonly shown: Readonly<Record<string, Shown>>;
  /** The run of a project in progress, with its progress. */
  readonly live: Readonly<Record<string, LiveRun>>;
  readonly doctor: Loadable<DoctorReport>;
  /** By runtime. */
  readonly kernels: Readonly<Record<string, Loadable<KernelReleases>>>;
  readonly images: Loadable<readonly StoredImage[]>;
  readonly inspected: Inspected | null;
}

export type SessionStore = StoreApi<SessionState>;

const initialSession: SessionState = {
  link: { status: 'connecting', attempt: 0, retryAtMs: null },
  info: null,
  runtimes: [],
  hosts: [],
  projects: idle,
  templates: idle,
  files: {},
  types: {},
  sources: {},
  docs: {},
  editorProblems: {},
  instances: idle,
  samples: {},
  runs: {},
  builds: {},
  shown: {},
  live: {},
  doctor: idle,
  kernels: {},
  images: idle,
  inspected: null,
};

export const createSessionStore = (): SessionStore => createStore<SessionState>()(() => initialSession);
