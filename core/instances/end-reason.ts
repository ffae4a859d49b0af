import type { Runtime } from '#core/runtime/runtime.ts';
import type { MachineEnd } from '#core/vmm/vmm.ts';
import { FirstlightError } from '#shared/errors.ts';

const sentences: Readonly<Record<MachineEnd, string>> = {
  destroyed: 'It was destroyed by another program.',
  shutdown: 'The guest switched itself off.',
  'vmm-ended': 'The VMM ended unexpectedly.',
  'host-lost': 'The connection to its host was lost while it worked.',
  gone: 'It is no longer there.',
};

export interface EndedInstance {
  readonly id: string;
  readonly reason: MachineEnd;
  /** The end of its console. */
  readonly consoleText: string;
  /** The end of the serial port's output, which contains a panic. A function with its own port cannot print there. */
  readonly serialText: string;
  readonly runtime: Pick<Runtime, 'readPanic'>;
  /** True when it had never answered. */
  readonly whileBooting: boolean;
}

/** The sentence that explains why an instance failed. */
export function describeEnd(ended: EndedInstance): string {
  return ended.runtime.readPanic(ended.serialText)?.message ?? sentences[ended.reason];
}

/** The error for a caller that waited for an instance that has ended. Shape: `details.output` is the guest's last output. */
export function endedError(ended: EndedInstance, cause?: unknown): FirstlightError {
  const panic = ended.runtime.readPanic(ended.serialText);
  if (panic !== null) {
    const details = { output: panic.report, subject: ended.id };
    if (panic.byProgram) {
      const hint = 'The console has the whole report.';
      return new FirstlightError('FUNCTION_CRASHED', `The program crashed: ${panic.message}.`, {
        hint,
        details,
        cause,
      });
    }
    return new FirstlightError('GUEST_PANICKED', `The guest panicked: ${panic.message}`, {
      hint:
        panic.byProgram === undefined
          ? 'The console has the whole report. If your function did not do this on purpose, it is a defect in Firstlight.'
          : 'The console has the whole report: a program may have asked for what this guest does not have.',
      details,
      cause,
    });
  }
  const output = ended.consoleText.trim();
  const details = { subject: ended.id, ...(output !== '' && { output }) };
  if (ended.reason === 'host-lost') {
    return new FirstlightError('LIBVIRT_LOST', `The connection to libvirt was lost while ${ended.id} worked.`, {
      hint: 'The libvirt daemon ended or restarted. Run the function again.',
      details,
      cause,
    });
  }
  const code = ended.whileBooting && ended.reason !== 'destroyed' ? 'BOOT_FAILED' : 'INSTANCE_LOST';
  const when = ended.whileBooting ? 'before it answered' : 'while it ran';
  return new FirstlightError(code, `The instance ${ended.id} ended ${when}. ${sentences[ended.reason]}`, {
    hint: 'Look at its console. Then run the function again.',
    details,
    cause,
  });
}
