import { setTimeout as sleep } from 'node:timers/promises';
import type { Runtime } from '#core/runtime/runtime.ts';
import type { GuestHeard, GuestSession, InvocationRequest, InvocationResult } from '#core/runtime/session.ts';
import { hostNow } from '#core/store/host-clock.ts';
import type { Host } from '#core/vmm/host.ts';
import type { MachineEnd, ResumeTimes, RunningMachine } from '#core/vmm/vmm.ts';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import type { Instance, InstanceState } from '#shared/model/instance.ts';
import type { HeapUse } from '#shared/model/metrics.ts';
import type { RunId } from '#shared/model/units.ts';
import type { ConsoleHub } from './console-hub.ts';
import { describeInstance } from './describe-instance.ts';
import { createFailureWatch, explainWaitMs, type FailureWatch } from './failure-watch.ts';
import { createInstanceEnd, type InstanceEnd } from './instance-end.ts';
import type { InstanceRecord } from './instance-record.ts';
import { createInstanceStreams, type InstanceStreams } from './instance-streams.ts';
import type { BootTimes, InstanceListener } from './types.ts';

export interface LiveInstanceOptions {
  readonly record: InstanceRecord;
  readonly host: Host;
  readonly machine: RunningMachine;
  readonly state: InstanceState;
  readonly runtime: Runtime;
  /** False for an instance of another live process: its console and channel are in use there. */
  readonly ours: boolean;
  readonly onChange: InstanceListener;
  /** The command that debugs it, if its machine waits for a debugger. */
  readonly gdbCommand?: string | undefined;
  /** Called once, when the machine is gone; settles when its files are gone too. Never rejects. */
  readonly onGone: () => Promise<void>;
  readonly bootTimeoutMs: number;
}

const finalStates: readonly InstanceState[] = ['stopped', 'failed'];

/** True for an instance that was made ahead and waits for its run. */
export const isWaiting = (state: InstanceState): boolean => state === 'prestarted' || state === 'prebooted';

/** One machine of ours: its state, its console and its channel. `shared/model/instance.ts` explains the states. */
export class LiveInstance {
  readonly #options: LiveInstanceOptions;
  readonly #streams: InstanceStreams;
  readonly #failures: FailureWatch;
  readonly #end: InstanceEnd;
  #record: InstanceRecord;
  #machine: RunningMachine;
  #state: InstanceState;
  #stateBeforeStop: InstanceState = 'ready';
  #failure: string | null = null;
  /** The reason of a VMM that refused to start the guest. */
  #refusal: FirstlightError | null = null;
  #runId: RunId | null;
  #answered: boolean;
  /** The guest was up before it got a request. */
  #bootedAhead = false;
  #cleanedUp: Promise<void> = Promise.resolve();

  constructor(options: LiveInstanceOptions) {
    const { record, runtime, ours, bootTimeoutMs } = options;
    this.#options = options;
    this.#record = record;
    this.#machine = options.machine;
    this.#state = options.state;
    this.#runId = record.runId;
    // An instance that was found running has been up before.
    this.#answered = options.state === 'ready';
    const machine = () => this.#machine;
    this.#end = createInstanceEnd({
      machine,
      onEnded: (reason) => this.#onEnded(reason),
      onRefused: () => {
        if (this.#state === 'stopping') this.#setState(this.#stateBeforeStop);
      },
    });
    const ended = this.#end.gone;
    const isFresh = () => this.#state === 'prestarted' && record.startMode !== 'restored';
    this.#streams = createInstanceStreams({ record, runtime, ours, machine, isFresh, ended });
    this.#failures = createFailureWatch({
      id: record.id,
      sessionInfo: record.sessionInfo,
      runtime,
      console: this.console,
      bootTimeoutMs,
      ended,
      endReason: () => this.#end.reason,
      consoleEnded: () => this.#streams.isConsoleClosed,
      answered: () => this.#answered || this.#bootedAhead,
    });
  }

  get record(): InstanceRecord {
    return this.#record;
  }

  get host(): Host {
    return this.#options.host;
  }

  get machine(): RunningMachine {
    return this.#machine;
  }

  get console(): ConsoleHub {
    return this.#streams.console;
  }

  /** Takes the handle of a newer connection, and asks again for an end that the older one did not bring. */
  rebind(machine: RunningMachine): void {
    this.#machine = machine;
    this.#end.retry();
  }

  /** The reason why its machine is gone; null while it runs. `host-lost` means that its state is unknown. */
  get endReason(): MachineEnd | null {
    return this.#end.reason;
  }

  get state(): InstanceState {
    return this.#state;
  }

  /** True for an instance that this program started or has taken over. */
  get isMine(): boolean {
    return this.#options.ours;
  }

  get isOver(): boolean {
    return finalStates.includes(this.#state);
  }

  /** The instance as clients see it. */
  get info(): Instance {
    const { record, host, machine } = this;
    const url = this.#options.runtime.urlOf?.(record.sessionInfo) ?? null;
    const { gdbCommand } = this.#options;
    const now = { state: this.#state, failure: this.#failure, runId: this.#runId, gdbCommand };
    return describeInstance(record, host, machine, { ...now, url });
  }

  setRun(runId: RunId): void {
    this.#runId = runId;
    this.#announce();
  }

  /** Opens console and channel, once. Errors: CONFLICT when another process has them; INSTANCE_LOST; LIBVIRT_*. */
  connect(): Promise<GuestSession> {
    return this.#streams.connect();
  }

  /** Opens the console alone, once. Errors: CONFLICT when another process has it; CHANNEL_BROKEN. */
  openConsole(): Promise<void> {
    return this.#streams.openConsole();
  }

  /** Settles when the guest is up, according to its session. Errors: as `connect`. */
  async untilReady(): Promise<void> {
    await (await this.connect()).ready;
  }

  /** Lets the processors run for the first time. Returns at once; the VMM's reply comes later. */
  resumeFirst(): ResumeTimes {
    this.#setState('booting');
    const times = this.#machine.resume();
    times.doneNs.catch((thrown: unknown) => {
      const error = toFirstlightError(thrown);
      // A VMM that refuses the start explains more than the end that follows.
      if (error.code === 'BOOT_FAILED' && !this.isOver) this.#refusal = error;
      this.fail(error);
    });
    return times;
  }

  /** The same for a machine that a debugger lets run: only its requests wait. */
  awaitDebugger(): ResumeTimes {
    this.#setState('booting');
    const sentNs = hostNow();
    return { sentNs, doneNs: Promise.resolve(sentNs) };
  }

  /**
   * Boots the guest before there is a request, and settles when it is up. A failure ends the instance.
   *
   * Errors: BOOT_TIMEOUT, BOOT_FAILED, GUEST_PANICKED, INSTANCE_LOST, CHANNEL_BROKEN, LIBVIRT_*.
   */
  async bootAhead(): Promise<BootTimes> {
    const session = await this.connect();
    const { sentNs, doneNs } = this.resumeFirst();
    const over = new AbortController();
    const failed = Promise.race([
      this.#failures.bootTimeoutResult(session, over.signal),
      this.#failures.panicResult(over.signal),
    ]).then(({ outcome }) => (outcome.ok ? null : outcome.error));
    const closed = session.closed.then(
      (reason) => reason ?? new FirstlightError('CHANNEL_BROKEN', 'The channel to the guest ended before it was up.'),
    );
    const error = await Promise.race([session.ready.then(() => null), failed, closed]).finally(() => over.abort());
    if (error !== null) {
      const explained = await this.#explain(error);
      this.fail(explained);
      throw explained;
    }
    const readyNs = hostNow();
    const resumedNs = await doneNs;
    this.#bootedAhead = true;
    if (this.#state === 'booting') this.#setState('prebooted');
    return { resumeSentNs: sentNs, resumedNs, readyNs };
  }

  /**
   * Invokes the function; a guest that has not booted yet gets the request when it has.
   *
   * Errors: throws only errors from before the request (CONFLICT, INSTANCE_LOST); the rest are in the result.
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
    if (this.#answered || this.#bootedAhead) this.#setState('busy');
    const over = new AbortController();
    const result = await Promise.race([
      session.invoke(request),
      ...(request.isDebugged ? [] : [this.#failures.bootTimeoutResult(session, over.signal)]),
      this.#failures.panicResult(over.signal),
    ]).finally(() => over.abort());
    if (result.outcome.ok || !result.outcome.fatal) {
      this.#answered = true;
      this.#setState(result.outcome.ok && result.outcome.ended ? 'stopped' : 'ready');
      return result;
    }
    const error = await this.#explain(result.outcome.error);
    this.fail(error);
    const seen = result.marks.length === 0 ? session.seen?.() : undefined;
    return { hostMarks: session.hostMarks?.(), ...result, ...seen, outcome: { ok: false, error, fatal: true } };
  }

  async #explain(error: FirstlightError): Promise<FirstlightError> {
    const explained = await this.#failures.explain(error);
    return this.#refusal ?? explained;
  }

  /** The guest's messages so far; null without a session. */
  get heard(): GuestHeard | null {
    const { session } = this.#streams;
    return session && { marks: [], received: [], ...session.seen?.(), hostMarks: session.hostMarks?.() };
  }

  /** The heap of the function's engine, where the guest has reported it to this process. */
  get heap(): HeapUse | null {
    return this.#streams.session?.heap?.() ?? null;
  }

  /** Round trips to the guest that tie its clock to ours. */
  async sampleClock(count: number): ReturnType<GuestSession['sampleClock']> {
    return (await this.#streams.session?.sampleClock(count)) ?? [];
  }

  /** Errors: CONFLICT when it is not running; LIBVIRT_*. */
  async suspend(): Promise<void> {
    this.#require('ready', 'suspended');
    await this.#machine.pause();
    this.#setState('paused');
  }

  /** Errors: CONFLICT when it is not paused; LIBVIRT_*. */
  async resume(): Promise<void> {
    this.#require('paused', 'resumed');
    await this.#machine.resume().doneNs;
    this.#setState('ready');
  }

  #require(state: InstanceState, verb: string): void {
    if (this.#state === state) return;
    throw new FirstlightError('CONFLICT', `The instance ${this.record.id} is ${this.#state}; it cannot be ${verb}.`);
  }

  /** Saves the machine into an empty folder, once its guest waits for a request, and ends it. Errors: as `MachineSaving`. */
  async saveAndEnd(dir: string): Promise<void> {
    const { saving } = this.host.vmm;
    if (saving === undefined) throw new FirstlightError('INTERNAL', `Machines of ${this.host.name} cannot be saved.`);
    this.#stateBeforeStop = this.#state;
    this.#setState('stopping');
    await saving.save(this.#machine, dir).finally(() => this.#end.kill());
  }

  /** Lets a kept instance outlive this process: until then it is ended when its process dies. Errors: LIBVIRT_*. */
  async markFirstRunEnded(): Promise<void> {
    this.#record = { ...this.record, firstRunEnded: true };
    await this.#machine.writeMetadata(this.record);
  }

  /** Ends it. Returns at once; `gone` settles when its machine is gone. */
  stop(): void {
    if (this.isOver || this.#state === 'stopping') return;
    const mayHaveWritten = this.#answered || this.#state === 'booting';
    this.#stateBeforeStop = this.#state;
    this.#setState('stopping');
    if (this.record.exclusiveResource === 'volumes' && mayHaveWritten) void this.#end.shutDown();
    else this.#end.kill();
  }

  /** Settles when its machine is gone. */
  get gone(): Promise<void> {
    return this.#end.gone;
  }

  /** Ends it, and settles when it and its files are gone. Errors: LIBVIRT_* when the VMM did not end it. */
  async stopAndWait(): Promise<void> {
    if (this.#end.reason === null) {
      const gone = this.#end.untilGone();
      // An instance that failed, but could not be ended then, may be ended now.
      if (this.isOver) this.#end.kill();
      else this.stop();
      await gone;
    }
    await this.#cleanedUp;
  }

  /** Ends it because it cannot be used any more; an instance whose first call was cancelled stops without a failure. */
  fail(error: FirstlightError): void {
    if (this.isOver || this.#state === 'stopping') return;
    if (error.code === 'CANCELLED') {
      this.stop();
      return;
    }
    this.#failure = error.message;
    this.#setState('failed');
    this.#end.kill();
  }

  /** Reports that the machine is gone. The first report counts. */
  ended(reason: MachineEnd): void {
    this.#end.report(reason);
  }

  #onEnded(reason: MachineEnd): void {
    // Only the process that owns an instance knows whether its end was requested.
    if (this.#state === 'stopping' || !this.isMine) this.#setState('stopped');
    else if (!this.isOver && this.#state !== 'busy' && this.#state !== 'booting') this.#failAs(reason);
    else if (!this.isOver) {
      // The waiter for an answer explains the end; without a waiter, it is explained here.
      void sleep(explainWaitMs + 500, undefined, { ref: false }).then(() => !this.isOver && this.#failAs(reason));
    }
    this.#streams.session?.close();
    this.console.end();
    this.#cleanedUp = this.#options.onGone();
  }

  /** Reports that the connection to the host broke: streams are gone, and their waiters have failed. */
  hostLost(): void {
    if (this.isOver) return;
    const waited = this.#state === 'booting' || this.#state === 'busy' || this.#state === 'stopping';
    // A machine that idled may have outlived the daemon; its streams open again when they are next needed.
    if (waited || isWaiting(this.#state)) this.ended('host-lost');
    else this.#streams.session?.close();
  }

  #failAs(reason: MachineEnd): void {
    this.#failure = this.#failures.describe(reason);
    this.#setState('failed');
  }

  /** Reports that the machine was paused or resumed, perhaps by another program. */
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
