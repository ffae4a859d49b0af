import { createStore, type StoreApi } from 'zustand/vanilla';
import type { AppInfo } from '#shared/contract/app.ts';
import type { ImageRef } from '#shared/contract/images.ts';
import type { CallOutput } from '#shared/contract/index.ts';
import type { FirstlightError, Problem } from '#shared/errors.ts';
import type { DoctorReport } from '#shared/model/doctor.ts';
import type { BuildResult } from '#shared/model/image.ts';
import type { ImageInfo, ImagePartition, ImageText, ImageTree, StoredImage } from '#shared/model/image-tree.ts';
import type { Instance } from '#shared/model/instance.ts';
import type { MetricSample } from '#shared/model/metrics.ts';
import type { Project, ProjectFile, RuntimeInfo } from '#shared/model/project.ts';
import type { Invocation, Run, RunSummary } from '#shared/model/run.ts';
import type { BootTimeline, StartMode } from '#shared/model/timeline.ts';
import type { InstanceId, ProjectId, RunId } from '#shared/model/units.ts';
import { idle, type Loadable } from './loadable.ts';

/** The releases of Nanos on the engine's machine, and the words that go with published ones. */
export type NanosReleases = CallOutput<'nanos:releases'>;

/** The state of the way to the engine, as the window shows it. */
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
  /** The file on disk is another than the one being edited. */
  readonly conflict: 'changed' | 'deleted' | null;
}

export type DocKey = string;
export const docKey = (projectId: string, path: string): DocKey => `${projectId}:${path}`;
export const isDirty = (doc: Doc): boolean => doc.status === 'ready' && doc.text !== doc.savedText;

/** What is known of a project's last build. */
export interface BuildState {
  readonly running: boolean;
  readonly result: BuildResult | null;
  readonly error: FirstlightError | null;
  /** Units: ms since the Unix epoch. */
  readonly finishedAtMs: number | null;
}

/** A call to an instance that was already running. */
export interface WarmCall {
  readonly instanceId: InstanceId;
  readonly invocation: Invocation;
}

/** What the response, timeline and history panels show for a project. */
export interface Shown {
  readonly run: Run | null;
  readonly previous: Run | null;
  readonly loadingRunId: RunId | null;
  /** What kept a run from starting, or from being read. */
  readonly failure: FirstlightError | null;
  readonly warm: WarmCall | null;
  /** The last run or call was cancelled, this long after its start; what is shown is the one before. Units: ms. */
  readonly cancelledAfterMs: number | null;
  /** Why no earlier run is drawn beneath the shown one; null when one is, or nothing is to be said. */
  readonly notCompared: string | null;
  /** The start mode that was asked for, where this window started the run: it is cold when nothing was prestarted yet. */
  readonly asked: StartMode | null;
}

/** A run that is under way. */
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

/** An image that is being looked into. */
export interface Inspected {
  readonly image: ImageRef;
  readonly partition: ImagePartition;
  readonly info: Loadable<ImageInfo>;
  /** Stays idle for an image that has no file system. */
  readonly tree: Loadable<ImageTree>;
  /** The file that is read, and what it says. */
  readonly path: string | null;
  readonly text: Loadable<ImageText>;
}

/** What the engine says now, and what is open on it. Gone when the window closes. */
export interface SessionState {
  readonly link: LinkState;
  readonly info: AppInfo | null;
  /** What functions can run on, the default first. */
  readonly runtimes: readonly RuntimeInfo[];
  readonly projects: Loadable<readonly Project[]>;
  readonly templates: Loadable<readonly { id: string; title: string; description: string }[]>;
  readonly files: Readonly<Record<string, Loadable<readonly ProjectFile[]>>>;
  readonly types: Readonly<Record<string, readonly { path: string; text: string }[]>>;
  /** Source files of a project as they are on disk, so that imports of them can be checked before they are opened. */
  readonly sources: Readonly<Record<string, readonly { path: string; text: string }[]>>;
  readonly docs: Readonly<Record<DocKey, Doc>>;
  /** What the editor's own TypeScript service found, by file. */
  readonly editorProblems: Readonly<Record<DocKey, readonly Problem[]>>;
  readonly instances: Loadable<readonly Instance[]>;
  /** Units: oldest first, the last minutes. */
  readonly samples: Readonly<Record<string, readonly MetricSample[]>>;
  readonly runs: Readonly<Record<string, Loadable<readonly RunSummary[]>>>;
  readonly builds: Readonly<Record<string, BuildState>>;
  readonly shown: Readonly<Record<string, Shown>>;
  /** The run of a project that is under way, as far as it has come. */
  readonly live: Readonly<Record<string, LiveRun>>;
  readonly doctor: Loadable<DoctorReport>;
  readonly nanos: Loadable<NanosReleases>;
  readonly images: Loadable<readonly StoredImage[]>;
  readonly inspected: Inspected | null;
}

export type SessionStore = StoreApi<SessionState>;

const initialSession: SessionState = {
  link: { status: 'connecting', attempt: 0, retryAtMs: null },
  info: null,
  runtimes: [],
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
  nanos: idle,
  images: idle,
  inspected: null,
};

export const createSessionStore = (): SessionStore => createStore<SessionState>()(() => initialSession);
