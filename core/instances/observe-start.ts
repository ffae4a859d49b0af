import type { ClockSample, GuestHeard, InvocationResult } from '#core/runtime/session.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Accel } from '#shared/model/instance.ts';
import type { BootTimeline, StartMode } from '#shared/model/timeline.ts';
import { type HostNs, hostNs, ns } from '#shared/model/units.ts';
import {
  buildTimeline,
  fitGuestClock,
  guestBegins,
  type HostMark,
  markNames,
  type TickRate,
} from '#shared/timeline/index.ts';
import { type LaunchTimes, readyAt } from './types.ts';

/** The labels of a VMM's marks. */
interface VmmWords {
  readonly source: HostMark['source'];
  readonly create: string;
  readonly created: string;
  readonly resume: string;
  readonly resumed: string;
}

const libvirtWords: VmmWords = {
  source: 'libvirt',
  create: 'create asked of libvirt',
  created: 'domain created, paused',
  resume: 'resume asked of libvirt',
  resumed: 'libvirt says it runs',
};
const firecrackerWords: VmmWords = {
  source: 'host',
  create: 'Firecracker asked for',
  created: 'ready to start',
  resume: 'InstanceStart asked of Firecracker',
  resumed: 'Firecracker says it runs',
};
const wordsOf = (vmm: string | undefined) => (vmm === 'firecracker' ? firecrackerWords : libvirtWords);

/** The observations of one start, as they arrive. */
export interface StartObservation {
  readonly clickNs: HostNs;
  readonly startMode: StartMode;
  readonly accel: Accel;
  /** The id of the VMM that starts its machine. Default: libvirt. */
  readonly vmm?: string | undefined;
  /** When the build had an image for it. */
  imageReadyNs: HostNs | null;
  /** When the machine was requested from libvirt. */
  createSentNs: HostNs | null;
  launch: LaunchTimes | null;
  resumeSentNs: HostNs | null;
  /** When the VMM reported that the processors run. */
  resumedNs: HostNs | null;
  result: InvocationResult | null;
  clockSamples: readonly ClockSample[];
  rate: TickRate | undefined;
  /** When it ended without an answer. */
  endedEarlyNs: HostNs | null;
}

/** An observation in which nothing has been started yet. */
export function newObservation(
  known: Pick<StartObservation, 'clickNs' | 'startMode' | 'accel' | 'vmm' | 'imageReadyNs' | 'rate'>,
): StartObservation {
  return {
    ...known,
    createSentNs: null,
    launch: null,
    resumeSentNs: null,
    resumedNs: null,
    result: null,
    clockSamples: [],
    endedEarlyNs: null,
  };
}

const mark = (
  name: string,
  label: string,
  atNs: HostNs,
  source: HostMark['source'],
  opens: HostMark['opens'] = null,
): HostMark => ({ name, label, atNs, source, errorNs: ns(0), opens });

/** The timeline of a start, and the rate of the host's counter where the guest counted by it. */
export function drawTimeline(
  seen: StartObservation,
  extraMarks: readonly HostMark[] = [],
): { timeline: BootTimeline; rate: TickRate | null } {
  const { clickNs, launch, resumeSentNs, resumedNs, result } = seen;
  const vmm = wordsOf(seen.vmm);
  const startsVmm = seen.startMode === 'cold' || seen.startMode === 'restored';
  const booted = launch?.booted ?? null;
  const marks: HostMark[] = [mark(markNames.requested, 'run requested', clickNs, 'host', 'prepare')];
  const launchMarks: HostMark[] = [];
  if (seen.imageReadyNs !== null) marks.push(mark('image.ready', 'image ready', seen.imageReadyNs, 'host'));
  if (launch !== null) {
    launchMarks.push(
      mark('launch.prepared', 'preparing sockets and disks', launch.preparedFromNs, 'host', 'prepare'),
      mark('domain.create', vmm.create, launch.createSentNs, vmm.source, 'vmm'),
      ...(launch.steps ?? []).map(({ name, label, atNs }) => mark(name, label, atNs, vmm.source)),
      mark('domain.created', vmm.created, launch.createdNs, vmm.source),
      mark('streams.open', 'console and channel open', launch.connectedNs, vmm.source),
    );
  }
  if (startsVmm) marks.push(...launchMarks.map((one) => (one.opens === 'prepare' ? { ...one, opens: null } : one)));
  if (resumeSentNs !== null) {
    const opens = seen.startMode === 'prestarted' ? 'vmm' : null;
    marks.push(mark('domain.resume', vmm.resume, resumeSentNs, vmm.source, opens));
  }
  if (resumedNs !== null) marks.push(mark('domain.resumed', vmm.resumed, resumedNs, vmm.source));
  if (booted !== null) marks.push(mark('guest.ready', 'guest is up and waits', booted.readyNs, 'host'));
  const answered = seen.endedEarlyNs === null && result !== null;
  const isSent = result?.isSent !== false;
  if (result !== null && isSent && (result.marks.length > 0 || result.hostMarks !== undefined)) {
    marks.push(
      mark(
        markNames.requestSent,
        'request sent',
        result.sentAtNs,
        'host',
        opensWithRequest(result, answered, booted !== null),
      ),
    );
  }
  marks.push(...(result?.hostMarks ?? []), ...extraMarks);
  if (answered)
    marks.push(
      mark(markNames.responseReceived, isSent ? 'response received' : 'program ended', result.receivedAtNs, 'host'),
    );
  if (seen.endedEarlyNs !== null) marks.push(mark(markNames.ended, 'ended', seen.endedEarlyNs, 'host'));

  // A guest's own clock has another rate at each boot, off by some percent; only the host's counter has one rate.
  const isOwnClock = result?.guestClock === 'guest-monotonic';
  // The counter of a restored guest goes on from another machine's: only round trips place it.
  const isRestored = seen.startMode === 'restored';
  const ran = resumeSentNs !== null && result !== null && result.marks.length > 0;
  const isPlaced = ran && (!isRestored || seen.clockSamples.length > 0);
  const clock = isPlaced
    ? fitGuestClock({
        samples: seen.clockSamples,
        started: { afterNs: resumeSentNs, beforeNs: firstProofOfLife(result, resumedNs) },
        received: result.received,
        rate: isOwnClock ? undefined : seen.rate,
        countsFromStart: !isRestored,
      })
    : null;
  // A guest without its own clock began to run between these two instants.
  if (clock === null && resumeSentNs !== null && resumedNs !== null) {
    const errorNs = ns((firstProofOfLife(result, resumedNs) - resumeSentNs) / 2);
    const atNs = hostNs(resumeSentNs + errorNs);
    const { label, opens } = guestBegins(seen.startMode);
    marks.push({ name: markNames.guestStarted, label, atNs, source: vmm.source, errorNs, opens });
  }
  const timeline = buildTimeline({
    startMode: seen.startMode,
    accel: seen.accel,
    clickNs,
    hostMarks: marks,
    guestMarks: result?.marks ?? [],
    guestClock: result?.guestClock,
    clock,
    ahead: startsVmm || launch === null ? null : { marks: launchMarks, endNs: readyAt(launch) },
    endedEarly: seen.endedEarlyNs,
  });
  return { timeline, rate: clock !== null && !isOwnClock && seen.clockSamples.length > 0 ? clock.rate : null };
}

/**
 * The timeline of a start that is under way, up to now: for display, not for storage. A guest that has spoken is in its
 * handler until its marks show more (rule TL-13).
 */
export function drawStartSoFar(seen: StartObservation, heard: GuestHeard | null, nowNs: HostNs): BootTimeline {
  const extra: HostMark[] = [];
  if (seen.launch === null && seen.createSentNs !== null) {
    const { create, source } = wordsOf(seen.vmm);
    extra.push(mark('domain.create', create, seen.createSentNs, source, 'vmm'));
  }
  const first = heard?.received[0];
  const marksHandler = heard?.marks.some(({ opens }) => opens === 'handler') ?? false;
  if (first !== undefined && !marksHandler) {
    // A guest that was booted ahead has its request as soon as the run is prepared.
    const atNs = seen.launch?.booted === undefined ? first.atNs : (seen.imageReadyNs ?? seen.clickNs);
    extra.push(mark('guest.up', 'guest is up', atNs, 'host', 'handler'));
  }
  const { resumeSentNs } = seen;
  const result: InvocationResult | null =
    heard === null || resumeSentNs === null
      ? null
      : { ...heard, outcome: unanswered, isSent: false, sentAtNs: resumeSentNs, receivedAtNs: nowNs };
  const { timeline } = drawTimeline({ ...seen, result, endedEarlyNs: nowNs }, extra);
  return { ...timeline, marks: timeline.marks.filter(({ name }) => name !== markNames.ended) };
}

const unanswered: InvocationResult['outcome'] = {
  ok: false,
  error: new FirstlightError('CANCELLED', 'The guest has not answered yet.'),
  fatal: false,
};

/**
 * The phase that the request opens. A guest that marks its handler reports itself when `handler` and `respond` begin; one
 * that was booted ahead only reads the request until then. A guest that printed and never answered was last seen taking
 * the request.
 */
function opensWithRequest({ marks }: InvocationResult, answered: boolean, isBooted: boolean): HostMark['opens'] {
  if (marks.some(({ opens }) => opens === 'handler')) return isBooted ? 'function' : null;
  return marks.length > 0 && !answered ? 'handler' : 'respond';
}

/** The first event that proves that the guest ran: the VMM's report or the guest's own output. */
function firstProofOfLife(result: InvocationResult | null, resumedNs: HostNs | null): HostNs {
  const heard = [...(result?.received ?? []), ...(result?.hostMarks ?? [])].map(({ atNs }) => atNs as number);
  const never = Number.POSITIVE_INFINITY;
  return hostNs(Math.min(result?.receivedAtNs ?? never, resumedNs ?? never, ...heard));
}
