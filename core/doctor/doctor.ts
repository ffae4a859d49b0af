import { release, userInfo } from 'node:os';
import type { Finding } from '#core/runtime/check.ts';
import { toFirstlightError } from '#core/store/from-format-error.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { DoctorCheck, DoctorReport } from '#shared/model/doctor.ts';
import type { Check, DoctorContext } from './check.ts';
import { firecrackerCheck } from './firecracker-check.ts';
import { hostChecks } from './host-checks.ts';
import { libvirtChecks } from './libvirt-checks.ts';
import { checkHost } from './other-hosts.ts';

/** Checks everything that a run needs, and makes the permitted repairs. */
export interface Doctor {
  /** `fresh` repeats the probe of the accelerator. */
  readonly run: (fresh: boolean) => Promise<DoctorReport>;
  /** Applies the fix of one check, and checks again. Errors: BAD_INPUT, TOOL_FAILED, TOOL_MISSING. */
  readonly fix: (checkId: string) => Promise<DoctorReport>;
}

export function createDoctor(options: Omit<DoctorContext, 'fresh' | 'userName'>): Doctor {
  const ofRuntimes = options.runtimes.flatMap(({ checks = [] }) => checks);
  const allChecks: readonly Check[] = [...hostChecks, ...ofRuntimes, ...libvirtChecks, firecrackerCheck];
  const contextFor = (fresh: boolean): DoctorContext => ({ ...options, userName: userInfo().username, fresh });

  async function run(fresh: boolean): Promise<DoctorReport> {
    const context = contextFor(fresh);
    await options.hosts.load();
    const { hosts } = options;
    const others = hosts.list().filter(({ name }) => name !== hosts.local.name && name !== firecrackerCheck.id);
    const checks: DoctorCheck[] = [];
    let versions: Record<string, string> = { firstlight: options.resources.version, linux: release() };
    // In order: the probe of the accelerator is meaningful only when the checks before it have passed.
    for (const check of [...allChecks, ...others.map(checkHost)]) {
      const finding = await look(check, context);
      versions = { ...versions, ...finding.versions };
      checks.push(toCheck(check, finding));
    }
    return {
      ok: checks.every((check) => check.status !== 'failed'),
      uri: options.hosts.local.vmm.uri,
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
      // The probe's result is from the permissions before the fix.
      return await run(checkId === 'kvm');
    },
  };
}

/** This machine's accelerator for the runtime that is listed first; the check has those of all. */
function firstKnown({ hosts, runtimes: [first] }: Pick<DoctorContext, 'hosts' | 'runtimes'>) {
  return first === undefined ? null : hosts.local.accelerator.known(first.id);
}

/** A check that throws is a finding too: the others are still made. */
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
