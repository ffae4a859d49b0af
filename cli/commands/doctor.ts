import { exitCodes } from '#shared/errors.ts';
import type { DoctorCheck, DoctorReport } from '#shared/model/doctor.ts';
import type { Style } from '../output/style.ts';
import type { Session } from '../session.ts';

/** Prints the checks; with `fix`, applies the available fixes first. Exit code 3 while a check fails. */
export async function doctor(session: Session, options: { fix?: boolean }): Promise<number> {
  session.progress.report({ step: 'doctor', message: 'Checking this machine' });
  let report = await session.call('doctor:run', { fresh: true });
  if (options.fix) {
    for (const check of report.checks) {
      if (check.status === 'ok' || check.fix?.applicable !== true) continue;
      session.note(`${check.title}: ${check.fix.label}\n`);
      report = await session.call('doctor:fix', { checkId: check.id });
    }
  }
  session.printJson(report);
  session.print(renderReport(report, session.style));
  return report.ok ? 0 : exitCodes.environment;
}

function renderReport(report: DoctorReport, style: Style): string {
  const width = Math.max(...report.checks.map((check) => check.title.length));
  const lines = report.checks.flatMap((check) => renderCheck(check, width, style));
  if (report.accel !== null) {
    const how = report.accel.kind === 'kvm' ? 'with KVM' : 'emulated (TCG)';
    lines.push('', `Functions boot on ${report.uri}, ${how}.`);
  }
  const canRepair = report.checks.some((check) => check.status !== 'ok' && check.fix?.applicable);
  if (canRepair) lines.push(style.green('firstlight doctor --fix repairs what Firstlight can repair itself.'));
  return `${lines.join('\n')}\n`;
}

/** One check; the fix is on the line under the problem. */
export function renderCheck(check: DoctorCheck, width: number, style: Style): string[] {
  const marks = { ok: style.green('ok  '), warning: style.yellow('warn'), failed: style.red('FAIL') };
  const lines = [`${marks[check.status]}  ${check.title.padEnd(width)}  ${check.found}`];
  if (check.status === 'ok') return lines;
  if (check.why !== null) lines.push(style.dim(`      ${check.why}`));
  if (check.fix !== null) lines.push(`      ${check.fix.label.replace(/\.$/, '')}: ${style.bold(check.fix.command)}`);
  return lines;
}
