import type { DoctorCheck } from '#shared/model/doctor.ts';
import { useSession, useStudio } from '../../bind/studio.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { Icon, type IconName } from '../../ui/icon.tsx';
import { joinClasses } from '../../ui/join-classes.ts';
import { RowList } from '../../ui/row-list.tsx';
import rows from '../../ui/rows.module.css';
import { Section } from '../../ui/section.tsx';
import { ErrorState, LoadingState } from '../../ui/states.tsx';
import styles from './doctor.module.css';

const statusIcon: Readonly<Record<DoctorCheck['status'], IconName>> = {
  ok: 'check',
  warning: 'warning',
  failed: 'error',
};
const statusClass: Readonly<Record<DoctorCheck['status'], string>> = { ok: 'ok', warning: 'warning', failed: 'danger' };
const order: Readonly<Record<DoctorCheck['status'], number>> = { failed: 0, warning: 1, ok: 2 };

/** The host's checks: each with its finding, why it matters, and its fix. */
export function DoctorView() {
  const studio = useStudio();
  const doctor = useSession((state) => state.doctor);
  const report = doctor.value;
  const busy = doctor.status === 'loading';
  return (
    <div className={`${styles.doctor} scroll`} aria-busy={busy}>
      <header className={styles.head}>
        <div>
          <h1>Environment</h1>
          <p className="muted">
            {report === null
              ? 'What this machine needs to boot a function.'
              : report.ok
                ? 'Everything a run needs is there.'
                : 'Something a run needs is missing.'}
          </p>
        </div>
        <Button icon="refresh" disabled={busy} onClick={() => void studio.doctor.run(true)}>
          {busy ? 'Checking' : 'Check again'}
        </Button>
        <IconButton
          icon="close"
          label="Close the checks"
          onClick={() => studio.transient.setState({ center: 'editor' })}
        />
      </header>
      {doctor.error !== null && <ErrorState error={doctor.error} />}
      {report === null && busy && <LoadingState message="Looking at libvirt, QEMU and acceleration" />}
      {report !== null && (
        <>
          <ul className={styles.checks} aria-label="Checks">
            {[...report.checks]
              .sort((a, b) => order[a.status] - order[b.status])
              .map((check) => (
                <Check key={check.id} check={check} busy={busy} />
              ))}
          </ul>
          <p className={`${styles.versions} faint mono selectable`}>
            {Object.entries(report.versions)
              .map(([name, version]) => `${name} ${version}`)
              .join('   ')}
          </p>
        </>
      )}
    </div>
  );
}

function Check({ check, busy }: { readonly check: DoctorCheck; readonly busy: boolean }) {
  const studio = useStudio();
  return (
    <li className={styles.check}>
      <span className={statusClass[check.status]}>
        <Icon name={statusIcon[check.status]} size={14} />
        <span className="sr-only">{check.status}</span>
      </span>
      <div className="selectable">
        <p>
          <strong>{check.title}</strong> <span className="muted">{check.found}</span>
        </p>
        {check.why !== null && <p className="muted">{check.why}</p>}
        {check.fix !== null && (
          <div className={styles.checkFix}>
            <code>{check.fix.command}</code>
            <IconButton
              icon="copy"
              label="Copy the command"
              onClick={() => void navigator.clipboard.writeText(check.fix?.command ?? '')}
            />
            {check.fix.applicable && (
              <Button
                kind="primary"
                disabled={busy}
                tip={check.fix.label}
                onClick={() => void studio.doctor.fix(check.id)}
              >
                Fix
              </Button>
            )}
            <span className="muted">{check.fix.label}</span>
          </div>
        )}
      </div>
    </li>
  );
}

/** The checks, one line each, for the side list. */
export function DoctorSummary() {
  const studio = useStudio();
  const doctor = useSession((state) => state.doctor);
  return (
    <Section
      title="Environment"
      grow
      actions={<IconButton icon="refresh" label="Check again" onClick={() => void studio.doctor.run(true)} />}
    >
      {doctor.value === null ? (
        doctor.error === null ? (
          <LoadingState message="Checking" />
        ) : (
          <ErrorState compact error={doctor.error} />
        )
      ) : (
        <RowList label="Checks">
          {doctor.value.checks.map((check) => (
            <li key={check.id} className={rows.row}>
              <button
                type="button"
                data-row
                className={rows.main}
                data-tip={check.found}
                onClick={() => studio.transient.setState({ center: 'environment' })}
              >
                <span className={joinClasses(statusClass[check.status], styles.icon)}>
                  <Icon name={statusIcon[check.status]} size={13} />
                </span>
                <span className="ellipsis">{check.title}</span>
                <span className="sr-only">{check.status}</span>
              </button>
            </li>
          ))}
        </RowList>
      )}
    </Section>
  );
}
