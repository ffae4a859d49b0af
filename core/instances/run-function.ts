import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { buildWithGiven } from '#core/images/build-with-given.ts';
import type { Build } from '#core/images/image-store.ts';
import type { Following } from '#core/metrics/sampler.ts';
import type { ExclusiveResource } from '#core/runtime/machines.ts';
import { toFirstlightError } from '#core/store/from-format-error.ts';
import { hostNow } from '#core/store/host-clock.ts';
import { newRunId, type RunRecorder } from '#core/store/run-store.ts';
import type { CallContext } from '#shared/contract/index.ts';
import { FirstlightError, toWireError } from '#shared/errors.ts';
import type { Project } from '#shared/model/project.ts';
import type { Run } from '#shared/model/run.ts';
import { summarizeRun } from '#shared/model/summarize-run.ts';
import { type AheadMode, isAheadMode, type StartMode } from '#shared/model/timeline.ts';
import type { HostNs } from '#shared/model/units.ts';
import { aborted, throwIfCancelled } from './cancelled.ts';
import type { Launched } from './launch.ts';
import type { LiveInstance } from './live-instance.ts';
import { drawStartSoFar, drawTimeline, newObservation, type StartObservation } from './observe-start.ts';
import { reportHandler } from './report-handler.ts';
import { reportStart } from './report-start.ts';
import { beginAgain, beginRun, endRun, keepRun, withInstance } from './run-record.ts';
import type { RunnerOptions, RunRequest } from './runner-options.ts';
import { type LaunchSpec, readyAt, type SavedMachine } from './types.ts';

/** Round trips that tie the guest's clock to ours; more would narrow its error no further. */
const clockSampleCount = 6;
/** Longer than the time that a guest gets to end by itself. */
const volumeGraceMs = 5_000;
/** The next instance is made ahead after the response has been delivered. */
const nextDelayMs = 50;

/** One run under way: its parts, and its results so far. */
interface Start {
  readonly request: RunRequest;
  readonly spec: LaunchSpec;
  readonly project: Project;
  readonly build: Build;
  /** What the guest is given before it is called. */
  readonly variables: Readonly<Record<string, string>> | undefined;
  readonly args: readonly string[] | undefined;
  seen: StartObservation;
  run: Run;
  /** The instance that was created ahead of the click, if any; then the serving one. */
  launched: Launched | null;
  /** The saved machine to restore, if any. */
  readonly saved: SavedMachine | null;
  following: Following | null;
  recording: Promise<RunRecorder> | null;
  failure: FirstlightError | null;
  /** When the answer or the failure arrived. */
  endedNs: HostNs;
}

/** True for a run with the variables and arguments of its project. */
const isPlain = ({ env, args }: RunRequest): boolean => env === undefined && args === undefined;

/** A runner of functions: it builds, boots, invokes once, and records all observations. */
export function createRunner(options: RunnerOptions): (request: RunRequest, context: CallContext) => Promise<Run> {
  const { runtimes, runs, registry, pool, snapshots, sampler, tickRate, emit } = options;

  return async (request, context) => {
    const start = await prepare(request, context);
    const stopReports = reportStart(() => emitSoFar(start));
    try {
      const instance = await launch(start, context);
      const answering = invoke(start, instance, context.signal);
      // A guest that is up waits for nothing but its request: that is on its way before the run's record begins.
      if (start.seen.launch?.booted !== undefined) await nextTurn();
      resume(start, instance, context);
      const { timeoutMs } = start.spec.config;
      const stopHandlerReports = reportHandler(instance.untilReady(), timeoutMs, context.progress);
      await answering.finally(stopHandlerReports);
      stopReports();
      await observe(start, instance);
    } catch (thrown) {
      start.failure = toFirstlightError(thrown);
      start.seen.endedEarlyNs = start.endedNs = hostNow();
    } finally {
      stopReports();
    }
    return await record(start);
  };

  /** Announces the progress of the start to listeners. */
  function emitSoFar({ run, seen, launched }: Start): void {
    const timeline = drawStartSoFar(seen, launched?.instance.heard ?? null, hostNow());
    emit('runs:progressed', { projectId: run.projectId, runId: run.id, timeline });
  }

  /**
   * Builds, and chooses the instance to start. Errors: those of the build, NOT_FOUND, ACCEL_UNUSABLE, LIBVIRT_*,
   * CANCELLED.
   */
  async function prepare(request: RunRequest, context: CallContext): Promise<Start> {
    if (request.gdb && (request.startMode !== 'cold' || request.lifetime === 'forever')) {
      throw new FirstlightError('BAD_INPUT', 'Only a cold start that ends with its answer can be debugged.', {
        hint: 'Leave the start mode and --keep out.',
      });
    }
    const clickNs = hostNow();
    const startedAt = new Date().toISOString();
    const host = await options.getHost(request.host);
    const { vmm, accelerator } = host;
    // The run's other needs are prepared now, to be ready together with the image.
    const connecting = vmm.connect();
    connecting.catch(() => undefined);
    const known = options.findKnown(request.projectId);
    const project = known?.project ?? (await options.getProject(request.projectId));
    if (project.config !== null) accelerator.choose(project.config.runtime).catch(() => undefined);

    if (request.args !== undefined) options.requireArgs(project);
    const { variables, args, ...build } = isPlain(request)
      ? { ...(known?.build ?? (await options.build(project, context))), variables: undefined, args: undefined }
      : await buildWithGiven(project, { env: request.env ?? {}, args: request.args }, 'beforeCall', (toBuild) =>
          options.build(toBuild, context),
        );
    await connecting;
    const { runtime } = build.image;
    if (accelerator.known(runtime) === null) {
      context.progress({ step: 'probe', message: 'Finding out whether KVM works here' });
    }
    const { config } = build.bundle;
    // Emulated, the counter that the guest's deadline goes by stands still while a debugger holds it.
    const accel = request.gdb ? 'tcg' : (await accelerator.choose(runtime, { path: build.image.path, config })).kind;
    await runtimes.get(runtime)?.probeHost?.({ config, accel, vmm, ...context });
    throwIfCancelled(context.signal);

    if (resourceOf({ config, image: build.image }) !== 'none') await registry.release(project.id);
    const keep = request.lifetime === 'forever';
    const runId = newRunId();
    const spec: LaunchSpec = {
      host,
      projectId: project.id,
      projectDir: project.dir,
      isTrusted: project.trusted,
      config,
      image: build.image,
      startMode: 'cold',
      accel,
      keep,
      isDebugged: request.gdb,
      runId,
      signal: context.signal,
    };
    const made = isAheadMode(request.startMode) ? await takeMade(spec, request.startMode, context) : null;
    const { launched = null, saved = null } = made ?? {};
    const startMode = made === null ? 'cold' : request.startMode;
    // The start of an instance that was made after the click begins when it waits; the run records the time before.
    const waited = (launched !== null && readyAt(launched.times) > clickNs) || saved?.wasMade === true;
    const beginNs = waited ? hostNow() : clickNs;
    const seen = newObservation({
      clickNs: beginNs,
      startMode,
      accel,
      vmm: vmm.id,
      imageReadyNs: hostNow(),
      rate: tickRate.get(),
    });
    const { event } = request;
    const run = beginRun({
      id: runId,
      project,
      build,
      event,
      startMode,
      accel,
      host: vmm.uri,
      clickNs: beginNs,
      startedAt,
      ...(waited && { waitedMs: Math.round((beginNs - clickNs) / 1e6) }),
    });
    return {
      request,
      spec,
      project,
      build,
      variables,
      args,
      seen,
      run,
      launched,
      saved,
      following: null,
      recording: null,
      failure: null,
      endedNs: clickNs,
    };
  }

  function resourceOf({ config, image }: Pick<LaunchSpec, 'config' | 'image'>): ExclusiveResource {
    return runtimes.get(image.runtime)?.exclusiveResourceOf(config) ?? 'none';
  }

  /**
   * What was made ahead for this run: an instance that waits, or a saved machine. Without it, it is made and waited for.
   * Null where nothing can be made ahead. Errors: CANCELLED.
   */
  async function takeMade(
    spec: LaunchSpec,
    startMode: AheadMode,
    context: CallContext,
  ): Promise<{ readonly launched?: Launched; readonly saved?: SavedMachine } | null> {
    // An instance that outlives this process, or uses an exclusive resource, cannot be created ahead.
    if (spec.keep || resourceOf(spec) !== 'none') return null;
    const ahead = { ...spec, startMode, runId: null, signal: undefined };
    const what = startMode === 'restored' ? 'saved machine' : `${startMode} instance`;
    context.progress({ step: 'prestart', message: `Waiting for the ${what}` });
    const making = startMode === 'restored' ? snapshots.prepare(ahead) : pool.prepare(ahead);
    const saved = await Promise.race([making, aborted(context.signal)]);
    throwIfCancelled(context.signal);
    if (startMode === 'restored') return saved ? { saved } : null;
    const launched = await pool.take({ ...spec, startMode });
    return launched && { launched };
  }

  /** The instance: the waiting one, a restored one, or a new one. Paused, with its streams open. */
  async function launch(start: Start, { progress }: CallContext): Promise<LiveInstance> {
    const { spec, saved } = start;
    if (saved !== null) {
      progress({ step: 'boot', message: `Restoring ${spec.config.name}` });
      start.launched = await launchNew(start, { ...spec, startMode: 'restored', saved }).catch((thrown) => {
        startCold(start, saved, toFirstlightError(thrown));
        return null;
      });
    }
    if (start.launched === null) {
      const slow = await options.explainSlowStarts();
      progress({ step: 'boot', message: `Starting ${spec.config.name}${slow === null ? '' : ` (${slow})`}` });
      start.launched = await launchNew(start, spec);
    }
    start.seen.launch = start.launched.times;
    return start.launched.instance;
  }

  async function launchNew(start: Start, spec: LaunchSpec): Promise<Launched> {
    return await registry.launch(spec, (id, machineName) => {
      start.seen.createSentNs = hostNow();
      start.following?.stop();
      start.following = sampler.follow(id, machineName, spec.host.vmm);
    });
  }

  /** Begins the start again, as a cold one: its VMM refused the saved machine. Errors: CANCELLED. */
  function startCold(start: Start, saved: SavedMachine, { code, message, hint, details }: FirstlightError): void {
    if (code === 'CANCELLED') throw new FirstlightError(code, message);
    void snapshots.remove(saved);
    const words = `The saved machine was not restored, and is removed; this start is cold. ${message}`;
    emit('app:warned', { error: toWireError(new FirstlightError(code, words, { hint, details })) });
    const clickNs = hostNow();
    start.seen = newObservation({ ...start.seen, clickNs, startMode: 'cold', imageReadyNs: clickNs });
    start.run = beginAgain(start.run, { clickNs, startMode: 'cold' });
  }

  /** Writes the request into the channel, and takes the answer when it comes. */
  function invoke(start: Start, instance: LiveInstance, signal: AbortSignal): Promise<void> {
    const { request, seen, spec } = start;
    const answering = instance.invoke({
      event: request.event,
      variables: start.variables,
      args: start.args,
      timeoutMs: spec.config.timeoutMs,
      isDebugged: request.gdb,
      signal,
    });
    const answered = answering.then((result) => {
      const { outcome } = result;
      seen.result = result;
      if (!outcome.ok) start.failure = outcome.error;
      if (!outcome.ok && outcome.fatal) seen.endedEarlyNs = result.receivedAtNs;
    });
    // Awaited once the guest runs.
    answered.catch(() => undefined);
    return answered;
  }

  /** Resumes the guest, unless it was booted ahead, and begins the record of the run meanwhile. */
  function resume(start: Start, instance: LiveInstance, { progress }: CallContext): void {
    const { seen, spec } = start;
    progress({ step: 'answer', message: spec.isDebugged ? 'Waiting for gdb' : 'Waiting for the handler' });
    const booted = seen.launch?.booted;
    if (booted === undefined) {
      const { sentNs, doneNs } = spec.isDebugged ? instance.awaitDebugger() : instance.resumeFirst();
      seen.resumeSentNs = sentNs;
      doneNs.then(
        (atNs) => {
          seen.resumedNs = atNs;
        },
        // A failed resume fails the instance, and its invocation with it.
        () => undefined,
      );
    } else {
      seen.resumeSentNs = booted.resumeSentNs;
      seen.resumedNs = booted.resumedNs;
    }
    if (start.following === null)
      start.following = sampler.follow(instance.record.id, instance.machine.name, spec.host.vmm);
    else void start.following.sample();
    start.run = withInstance(start.run, instance);
    instance.setRun(start.run.id);
    start.recording = runs.begin(start.run);
    start.recording
      .then(({ appendConsole, readConsole }) => instance.console.record({ write: appendConsole, read: readConsole }))
      // A failure to begin the record is reported when the run is to be kept.
      .catch(() => undefined);
  }

  /** After the answer: samples of the resources, and round trips that tie the guest's clock to ours. */
  async function observe(start: Start, instance: LiveInstance): Promise<void> {
    await start.following?.sample();
    start.endedNs = hostNow();
    if (instance.isOver) return;
    // Without these round trips the guest's marks have a wider error.
    start.seen.clockSamples = await instance.sampleClock(clockSampleCount).catch(() => []);
    await start.following?.sample();
  }

  /** Stores the run, announces it, then ends or keeps the instance and prepares the next one. Errors: CANCELLED. */
  async function record(start: Start): Promise<Run> {
    const { request, build, spec, seen, endedNs } = start;
    const instance = start.launched?.instance ?? null;
    const samples = start.following?.stop() ?? [];
    const { timeline, rate } = drawTimeline(seen);
    if (rate !== null) tickRate.set(rate);
    const error = start.failure === null ? null : await options.mapError(start.failure, build.bundle.id);
    const answer = seen.result?.outcome;
    const response = answer?.ok ? answer.response : null;
    const run = endRun(withInstance(start.run, instance), {
      error,
      response,
      // A run that was refused before there was a machine has no cold start to show; one that was debugged shows a person's.
      timeline: instance === null || request.gdb ? null : timeline,
      samples,
      commit: await options.findCommit(start.run.projectDir),
      endedNs,
    });
    const cancelled = error?.code === 'CANCELLED';
    // A saved machine whose guest does not answer would do so again.
    if (seen.startMode === 'restored' && seen.endedEarlyNs !== null && !cancelled && start.saved !== null)
      await snapshots.remove(start.saved);
    if (request.lifetime === 'stop' || cancelled) await end(instance);
    else if (spec.keep && instance !== null && !instance.isOver) await keepInstance(instance);
    await keepRun(options, run, start.recording);
    emit('runs:added', { run: summarizeRun(run) });
    // An image with what this run alone is given is not made ready for the next.
    if (!cancelled && isPlain(request)) prepareNext(start, request.startMode);
    if (cancelled) throw error;
    return run;
  }

  /**
   * Ends it. Only two kinds are waited for: one with volumes, whose last writes would be lost with this process, and a kept
   * one, which would outlive it.
   */
  async function end(instance: LiveInstance | null): Promise<void> {
    if (instance === null) return;
    instance.stop();
    if (instance.record.exclusiveResource !== 'volumes' && !instance.record.keep) return;
    await Promise.race([instance.gone, sleep(volumeGraceMs, undefined, { ref: false })]);
  }

  /** The answer is there, so a VMM that refuses the mark is a warning: a later start then ends the instance. */
  async function keepInstance(instance: LiveInstance): Promise<void> {
    try {
      await instance.markFirstRunEnded();
    } catch (thrown) {
      emit('app:warned', { error: toWireError(toFirstlightError(thrown)) });
    }
  }

  /** Makes what a next run in this mode needs, and has it known whether a file has changed by then. */
  function prepareNext({ spec, project, build, seen }: Start, startMode: StartMode): void {
    const makeAhead = async () => {
      if (!isAheadMode(startMode)) return;
      const next = { ...spec, startMode, keep: false, runId: null, signal: undefined };
      await (startMode === 'restored' ? snapshots.prepare(next) : pool.refill(next, seen.clickNs));
    };
    void sleep(nextDelayMs, undefined, { ref: false }).then(() =>
      Promise.all([makeAhead(), options.settle(project, build)]),
    );
  }
}
