import { existsSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Domain, isNotFound, type LibvirtStream } from 'node-libvirt';
import type { Runtime } from '#core/runtime/runtime.ts';
import type { GuestHeard, GuestSession, InvocationRequest, InvocationResult } from '#core/runtime/session.ts';
import { connectSerial } from '#core/vmm/connect-serial.ts';
import { fromLibvirt, withLibvirtErrors } from '#core/vmm/libvirt/to-firstlight-error.ts';
import { socketPathsIn } from '#core/vmm/socket-dir.ts';
import { createDeferred } from '#shared/deferred.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Instance, InstanceState } from '#shared/model/instance.ts';
import { type HostNs, hostNs, type RunId } from '#shared/model/units.ts';
import { type ConsoleHub, createConsoleHub } from './console-hub.ts';
import { createFailureWatch, explainWaitMs, type FailureWatch } from './failure-watch.ts';
import { type InstanceRecord, metadataNamespace, metadataPrefix, writeBareMetadata } from './metadata.ts';
import type { EndReason, InstanceListener } from './types.ts';

export interface LiveInstanceOptions {
  readonly record: InstanceRecord;
  readonly domain: Domain;
  readonly uri: string;
  readonly state: InstanceState;
  readonly runtime: Runtime;
  /** False for an instance of another process that lives: its console and channel are in use there. */
  readonly ours: boolean;
  readonly onChange: InstanceListener;
  /** Called once, when the domain is no more; settles when its files are gone too. Never rejects. */
  readonly onGone: () => Promise<void>;
  readonly bootTimeoutMs: number;
}

/** When the processors were asked to run, and when libvirt said they do. */
export interface ResumeTimes {
  readonly sentNs: HostNs;
  readonly doneNs: Promise<HostNs>;
}

/** A Nanos guest whose program ends at SIGTERM was gone after 0.2 s; the kernel itself would wait for 30. */
const shutdownMs = 3_000;
const finalStates: readonly InstanceState[] = ['stopped', 'failed'];

/** One domain of ours: its state, its console and its channel. What the states mean is in `shared/model/instance.ts`. */
export class LiveInstance {
  #record: InstanceRecord;
  #domain: Domain;
  readonly console: ConsoleHub = createConsoleHub();
  readonly #options: LiveInstanceOptions;
  #state: InstanceState;
  #cleanedUp: Promise<void> = Promise.resolve();
  #stateBeforeStop: InstanceState = 'ready';
  #failure: string | null = null;
  #runId: RunId | null;
  #answered = false;
  readonly #failures: FailureWatch;
  #session: GuestSession | null = null;
  #serial: Duplex | null = null;
  #opening: Promise<GuestSession> | null = null;
  #openingConsole: Promise<void> | null = null;
  #endReason: EndReason | null = null;
  /** The callers that wait for its end, for the case that libvirt refuses it. */
  readonly #stopWaiters = new Set<(error: FirstlightError) => void>();
  readonly #ended = createDeferred();

  constructor(options: LiveInstanceOptions) {
    this.#options = options;
    this.#record = options.record;
    this.#domain = options.domain;
    this.#state = options.state;
    this.#runId = options.record.runId;
    // One that was found running has been up before.
    this.#answered = options.state === 'ready';
    const { record, runtime, bootTimeoutMs } = options;
    this.#failures = createFailureWatch({
      id: record.id,
      sessionInfo: record.sessionInfo,
      runtime,
      console: this.console,
      bootTimeoutMs,
      ended: this.#ended.promise,
      endReason: () => this.#endReason,
      consoleEnded: () => this.#serial?.destroyed ?? false,
      answered: () => this.#answered,
    });
  }

  get record(): InstanceRecord {
    return this.#record;
  }

  get domain(): Domain {
    return this.#domain;
  }

  /** Takes the handle of a newer connection. */
  rebind(domain: Domain): void {
    this.#domain = domain;
  }

  get state(): InstanceState {
    return this.#state;
  }

  /** True for one that this program started or has taken over. */
  get isMine(): boolean {
    return this.#options.ours;
  }

  get isOver(): boolean {
    return finalStates.includes(this.#state);
  }

  /** The instance as others see it. */
  get info(): Instance {
    const { record } = this;
    return {
      id: record.id,
      domain: this.domain.name,
      uuid: this.domain.uuid,
      uri: this.#options.uri,
      state: this.#state,
      failure: this.#failure,
      accel: record.accel,
      startMode: record.startMode,
      runtime: record.runtime,
      projectId: record.projectId,
      functionName: record.functionName,
      imageId: record.imageId,
      memoryMiB: record.memoryMiB,
      vcpus: record.vcpus,
      keep: record.keep,
      url: this.#options.runtime.urlOf?.(record.sessionInfo) ?? null,
      createdAt: record.createdAt,
      runId: this.#runId,
    };
  }

  setRun(runId: RunId): void {
    this.#runId = runId;
    this.#announce();
  }

  /** Opens console and channel, once. Errors: CONFLICT when another process has them; INSTANCE_LOST; as libvirt's. */
  async connect(): Promise<GuestSession> {
    if (this.#session !== null) return this.#session;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = null;
    });
    return await this.#opening;
  }

  /** Settles when the guest is up, as its session has it. Errors: as `connect`. */
  async untilReady(): Promise<void> {
    await (await this.connect()).ready;
  }

  async #open(): Promise<GuestSession> {
    if (!this.#options.ours) throw this.#inUse();
    const { record } = this;
    const session = await this.#options.runtime.openSession({
      sessionInfo: record.sessionInfo,
      fresh: this.#state === 'prestarted',
      openChannel: (name) => this.#openChannel(name),
      onSerial: (listener) => this.console.onSerial(listener),
      ended: this.#ended.promise,
    });
    try {
      await this.openConsole();
    } catch (thrown) {
      // libvirt lets one at a time have the channel: left open, it would refuse every later try.
      session.close();
      throw thrown;
    }
    this.#session = session;
    void session.closed.then(() => {
      if (this.#session === session) this.#session = null;
    });
    return session;
  }

  async #openChannel(name: string): Promise<LibvirtStream> {
    try {
      return await this.domain.openChannel(name);
    } catch (thrown) {
      if (thrown instanceof Error && /active channel/i.test(thrown.message)) throw this.#inUse(thrown);
      throw fromLibvirt(thrown, `open the channel of ${this.record.id}`);
    }
  }

  /** Opens the console alone, once. Errors: CONFLICT when another process has it; CHANNEL_BROKEN. */
  async openConsole(): Promise<void> {
    if (!this.#options.ours) throw this.#inUse();
    // QEMU talks to one at a time: a console that is still open is kept, as after a restart of libvirt.
    if (this.#serial !== null && !this.#serial.destroyed) return;
    this.#openingConsole ??= this.#connectConsole().finally(() => {
      this.#openingConsole = null;
    });
    await this.#openingConsole;
  }

  async #connectConsole(): Promise<void> {
    const paths = socketPathsIn(this.record.socketDir);
    const opening = [
      connectSerial(paths.serial),
      existsSync(paths.console) ? connectSerial(paths.console) : null,
    ] as const;
    const [serial, port] = await Promise.all(opening).catch((thrown) => {
      // QEMU talks to one at a time: the one that did open must not keep it from the next try.
      for (const socket of opening) void socket?.then((open) => open.destroy()).catch(() => undefined);
      throw thrown;
    });
    // What becomes of a console that breaks is told by the domain's own end; unheard, its error would end the process.
    for (const socket of [serial, port]) socket?.on('error', () => undefined);
    this.#serial = serial;
    this.console.connect(serial, port);
  }

  #inUse(cause?: unknown): FirstlightError {
    const { owner, id } = this.record;
    return new FirstlightError(
      'CONFLICT',
      `The instance ${id} is in use by another Firstlight (process ${owner.pid}).`,
      {
        hint: 'Use it there, or end that program first.',
        cause,
      },
    );
  }

  /** Lets the processors run for the first time. Answers at once; libvirt's reply comes later. */
  resumeFirst(): ResumeTimes {
    this.#setState('booting');
    const timing: { sentAtNs?: bigint; receivedAtNs?: bigint } = {};
    const reply = this.domain.resume({ timing });
    const sentNs = hostNs(Number(timing.sentAtNs ?? process.hrtime.bigint()));
    const doneNs = reply.then(() => hostNs(Number(timing.receivedAtNs ?? process.hrtime.bigint())));
    doneNs.catch((thrown) => this.fail(fromLibvirt(thrown, `start ${this.record.id}`)));
    return { sentNs, doneNs };
  }

  /**
   * Invokes the function; one that has not booted yet gets the request when it has.
   *
   * Errors: throws only what comes before the request (CONFLICT, INSTANCE_LOST); the rest is in the result.
   */
  async invoke(request: InvocationRequest): Promise<InvocationResult> {
    if (this.isOver || this.#state === 'stopping') {
      throw new FirstlightError('INSTANCE_LOST', `The instance ${this.record.id} has ended.`, {
        hint: 'Run the function again.',
      });
    }
    if (this.#state === 'paused') {
      throw new FirstlightError('CONFLICT', `The instance ${this.record.id} is paused.`, { hint: 'Resume it first.' });
    }
    const session = await this.connect();
    if (this.#answered) this.#setState('busy');
    const over = new AbortController();
    const result = await Promise.race([
      session.invoke(request),
      this.#failures.bootTimeoutResult(session, over.signal),
      this.#failures.panicResult(over.signal),
    ]).finally(() => over.abort());
    if (result.outcome.ok || !result.outcome.fatal) {
      this.#answered = true;
      this.#setState(result.outcome.ok && result.outcome.ended ? 'stopped' : 'ready');
      return result;
    }
    const error = await this.#failures.explain(result.outcome.error);
    this.fail(error);
    const seen = result.marks.length === 0 ? session.seen?.() : undefined;
    return { hostMarks: session.hostMarks?.(), ...result, ...seen, outcome: { ok: false, error, fatal: true } };
  }

  /** What has come from the guest so far; null without a session. */
  get heard(): GuestHeard | null {
    const session = this.#session;
    return session && { marks: [], received: [], ...session.seen?.(), hostMarks: session.hostMarks?.() };
  }

  /** Round trips to the guest that tie its clock to ours. */
  async sampleClock(count: number): ReturnType<GuestSession['sampleClock']> {
    return this.#session === null ? [] : await this.#session.sampleClock(count);
  }

  /** Errors: CONFLICT when it is not running. */
  async suspend(): Promise<void> {
    this.#require(['ready'], 'suspended');
    await withLibvirtErrors(`suspend ${this.record.id}`, () => this.domain.suspend());
    this.#setState('paused');
  }

  /** Errors: CONFLICT when it is not paused. */
  async resume(): Promise<void> {
    this.#require(['paused'], 'resumed');
    await withLibvirtErrors(`resume ${this.record.id}`, () => this.domain.resume());
    this.#setState('ready');
  }

  #require(states: readonly InstanceState[], verb: string): void {
    if (states.includes(this.#state)) return;
    throw new FirstlightError('CONFLICT', `The instance ${this.record.id} is ${this.#state}; it cannot be ${verb}.`);
  }

  /** Lets a kept instance outlive this process: until then it is ended when its process dies. Errors: LIBVIRT_*. */
  async markFirstRunEnded(): Promise<void> {
    this.#record = { ...this.record, firstRunEnded: true };
    const xml = writeBareMetadata(this.record);
    await withLibvirtErrors(`keep ${this.record.id}`, () =>
      this.domain.setMetadata(metadataNamespace, metadataPrefix, xml),
    );
  }

  /** Ends it. Returns at once; `gone` settles when QEMU is gone. */
  stop(): void {
    if (this.isOver || this.#state === 'stopping') return;
    const mayHaveWritten = this.#answered || this.#state === 'booting';
    this.#stateBeforeStop = this.#state;
    this.#setState('stopping');
    if (this.record.exclusiveResource === 'volumes' && mayHaveWritten) void this.#shutDown();
    else this.#destroy();
  }

  /** Settles when it is no more. */
  get gone(): Promise<void> {
    return this.#ended.promise;
  }

  /** Ends it and settles when it and its files are no more. Errors: LIBVIRT_* when libvirt would not end it. */
  async stopAndWait(): Promise<void> {
    if (this.#endReason === null) await this.#untilStopped();
    await this.#cleanedUp;
  }

  async #untilStopped(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#stopWaiters.add(reject);
      void this.#ended.promise.then(resolve);
      // One that failed and could not be ended then may be ended now.
      if (this.isOver) this.#destroy();
      else this.stop();
    });
  }

  /** Has the guest end by itself, so that what it has not yet written reaches its volumes; one that will not is ended. */
  async #shutDown(): Promise<void> {
    const asked = await this.domain.shutdown().then(
      () => true,
      () => false,
    );
    if (asked) await Promise.race([this.#ended.promise, sleep(shutdownMs, undefined, { ref: false })]);
    if (this.#endReason === null) this.#destroy();
  }

  /** Ends it because it cannot be used any more; an instance whose first call was cancelled stops without a failure. */
  fail(error: FirstlightError): void {
    if (this.isOver || this.#state === 'stopping') return;
    // What a person cancelled has not failed.
    if (error.code === 'CANCELLED') {
      this.stop();
      return;
    }
    this.#failure = error.message;
    this.#setState('failed');
    this.#destroy();
  }

  #destroy(): void {
    this.domain.destroy().then(
      () => this.ended('gone'),
      (thrown) => (isNotFound(thrown) ? this.ended('gone') : this.#notDestroyed(thrown)),
    );
  }

  /** It may still run: nothing of it is removed, and whoever asked hears of it. */
  #notDestroyed(thrown: unknown): void {
    if (this.#state === 'stopping') this.#setState(this.#stateBeforeStop);
    const error = fromLibvirt(thrown, `stop ${this.record.id}`);
    for (const refuse of this.#stopWaiters) refuse(error);
    this.#stopWaiters.clear();
  }

  /** Told when the domain is no more, by whoever learns it first. */
  ended(reason: EndReason): void {
    if (this.#endReason !== null) return;
    this.#endReason = reason;
    this.#ended.resolve();
    // Whoever owns one of another process knows whether it was to end; here it has only ended.
    if (this.#state === 'stopping' || !this.#options.ours) this.#setState('stopped');
    else if (!this.isOver && this.#state !== 'busy' && this.#state !== 'booting') this.#failAs(reason);
    else if (!this.isOver) {
      // Whoever waits for an answer explains the end; should nobody wait, say it here.
      void sleep(explainWaitMs + 500, undefined, { ref: false }).then(() => !this.isOver && this.#failAs(reason));
    }
    this.#session?.close();
    this.console.end();
    this.#cleanedUp = this.#options.onGone();
  }

  /** Told when the connection to libvirt broke: streams are gone, and what waited on them has failed. */
  linkLost(): void {
    if (this.isOver) return;
    const waited = this.#state === 'booting' || this.#state === 'busy' || this.#state === 'stopping';
    // A domain that idled may have outlived the daemon; its streams open again when they are next needed.
    if (waited || this.#state === 'prestarted') this.ended('libvirt-lost');
    else this.#session?.close();
  }

  #failAs(reason: EndReason): void {
    this.#failure = this.#failures.describe(reason);
    this.#setState('failed');
  }

  /** Told what libvirt says of it when nobody here asked. */
  observe(state: 'paused' | 'running'): void {
    if (state === 'paused' && this.#state === 'ready') this.#setState('paused');
    if (state === 'running' && this.#state === 'paused') this.#setState('ready');
  }

  #setState(state: InstanceState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#announce();
  }

  #announce(): void {
    this.#options.onChange(this.info);
  }
}
