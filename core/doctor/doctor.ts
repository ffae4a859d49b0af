import { release, userInfo } from 'node:os';
import type { Finding } from '#core/runtime/check.ts';
import { toFirstlightError } from '#core/store/from-format-error.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { DoctorCheck, DoctorReport } from '#shared/model/doctor.ts';
import type { Check, DoctorContext } from './check.ts';
import { hostChecks } from './host-checks.ts';
import { libvirtChecks } from './libvirt-checks.ts';

/** Looks at everything that a run needs, and repairs what it may. */
export interface Doctor {
  /** `fresh` repeats the probe of the accelerator. */
  readonly run: (fresh: boolean) => Promise<DoctorReport>;
  /** Applies the fix of one check, and looks again. Errors: BAD_INPUT, TOOL_FAILED, TOOL_MISSING. */
  readonly fix: (checkId: string) => Promise<DoctorReport>;
}

export function createDoctor(options: Omit<DoctorContext, 'fresh' | 'userName'>): Doctor {
  const ofRuntimes = options.runtimes.flatMap(({ checks = [] }) => checks);
  const allChecks: readonly Check[] = [...hostChecks, ...ofRuntimes, ...libvirtChecks];
  const contextFor = (fresh: boolean): DoctorContext => ({ ...options, userName: userInfo().username, fresh });

  async function run(fresh: boolean): Promise<DoctorReport> {
    const context = contextFor(fresh);
    const checks: DoctorCheck[] = [];
    let versions: Record<string, string> = { firstlight: options.resources.version, linux: release() };
    // One after the other: the probe of the accelerator is only worth something when the rest was looked at before.
    for (const check of allChecks) {
      const finding = await look(check, context);
      versions = { ...versions, ...finding.versions };
      checks.push(toCheck(check, finding));
    }
    return {
      ok: checks.every((check) => check.status !== 'failed'),
      uri: options.link.uri,
      accel: firstKnown(options),
      versions,
      checks,
    };
  }

  return {
    run,
    fix: async (checkId) => {
      const check = allChecks.find(({ id }) => id === checkId);
      const apply = check === undefined ? undefined : (await look(check, contextFor(false))).fix?.apply;
      if (apply === undefined) {
        throw new FirstlightError('BAD_INPUT', `There is nothing that can be repaired for "${checkId}".`, {
          hint: '`firstlight doctor` shows what is wrong, and which commands repair it.',
        });
      }
      await apply();
      // What was found of KVM was found under other permissions.
      return await run(checkId === 'kvm');
    },
  };
}

/** The accelerator of the runtime that is listed first; the check has those of all. */
function firstKnown({ accelerator, runtimes: [first] }: Pick<DoctorContext, 'accelerator' | 'runtimes'>) {
  return first === undefined ? null : accelerator.known(first.id);
}

/** A check that fails itself is a finding too: the others still count. */
async function look(check: Check, context: DoctorContext): Promise<Finding> {
  try {
    return await check.look(context);
  } catch (thrown) {
    return { status: 'warning', found: `This could not be checked: ${toFirstlightError(thrown).message}` };
  }
}

function toCheck({ id, title }: Check, { status, found, why, fix }: Finding): DoctorCheck {
  return {
    id,
    title,
    status,
    found,
    why: why ?? null,
    fix: fix === undefined ? null : { label: fix.label, command: fix.command, applicable: fix.apply !== undefined },
  };
}
