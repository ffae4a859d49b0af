import { startModes, startModeWords } from '#shared/model/timeline.ts';
import { useSession, useStudio } from '../../bind/studio.tsx';
import field from '../../ui/field.module.css';
import { Segments } from '../../ui/segments.tsx';
import { TextField } from '../../ui/text-field.tsx';
import styles from './gateway.module.css';
import { useGatewayState } from './use-gateway.ts';
import { describeRange, isFieldValid, wishFields } from './wish.ts';

const modes = startModes.map((id) => ({ id, label: id, tip: startModeWords[id] }));

/** How the gateway is to be started. Enter starts it. */
export function GatewayForm() {
  const { gateway } = useStudio();
  const wish = useGatewayState((state) => state.wish);
  const hosts = useSession((state) => state.hosts);
  return (
    <form
      className={styles.form}
      aria-label="How it is started"
      onSubmit={(event) => {
        event.preventDefault();
        void gateway.start();
      }}
    >
      <div className={styles.mode}>
        <span className="muted">Start mode of an instance</span>
        <Segments
          label="Start mode of an instance"
          items={modes}
          active={wish.startMode}
          onSelect={(startMode) => gateway.edit({ startMode })}
        />
        <span className={field.note}>{startModeWords[wish.startMode]}</span>
      </div>
      <div className={styles.fields}>
        {wishFields.map((one) => (
          <TextField
            key={one.key}
            label={one.label}
            note={isFieldValid(one, wish[one.key]) ? one.note : describeRange(one)}
            placeholder={one.key === 'port' ? 'any' : ''}
            value={wish[one.key]}
            wrong={!isFieldValid(one, wish[one.key])}
            onChange={(text) => gateway.edit({ [one.key]: text })}
          />
        ))}
        {hosts.length > 1 && (
          <label className={field.field}>
            <span>Host</span>
            <select
              className={field.input}
              value={wish.host}
              onChange={({ target }) => gateway.edit({ host: target.value })}
            >
              {hosts.map(({ name }, index) => (
                <option key={name} value={index === 0 ? '' : name}>
                  {name}
                </option>
              ))}
            </select>
            <span className={field.note}>Where instances run.</span>
          </label>
        )}
      </div>
      {/* Enter in a field needs a button of the form; the one for the mouse is in the heading. */}
      <button type="submit" hidden>
        Start
      </button>
    </form>
  );
}
