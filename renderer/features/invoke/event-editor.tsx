import { useRef } from 'react';
import { useProject, useSaved, useStudio } from '../../bind/studio.tsx';
import { parseEvent, setSavedEntry } from '../../state/context.ts';
import { eventTemplates, eventText } from '../../state/events.ts';
import { IconButton } from '../../ui/button.tsx';
import { Icon } from '../../ui/icon.tsx';
import { JsonText } from '../../ui/json-view.tsx';
import menu from '../../ui/menu.module.css';
import { Menu } from '../../ui/menu.tsx';
import { Section } from '../../ui/section.tsx';
import styles from './event-editor.module.css';

/** The event that a run sends: JSON, checked as it is typed. */
export function EventEditor() {
  const studio = useStudio();
  const project = useProject();
  const text = useSaved((state) => (project === null ? '' : eventText(state, project.id)));
  const behind = useRef<HTMLPreElement>(null);
  if (project === null) return null;
  const parsed = parseEvent(text);
  const set = (next: string) => setSavedEntry(studio, 'events', project.id, next);
  return (
    <Section
      title="Event"
      grow
      actions={
        <>
          <span className={parsed.ok ? `faint ${styles.check}` : `danger ${styles.check}`}>
            {parsed.ok ? 'JSON' : 'not JSON'}
          </span>
          <IconButton
            icon="braces"
            label="Format the event"
            disabled={!parsed.ok}
            onClick={() => parsed.ok && set(JSON.stringify(parsed.value, null, 2))}
          />
          <Menu
            label="Event templates"
            className={`${menu.button} ${styles.templates}`}
            tip="Start from a template"
            align="right"
            items={eventTemplates.map((template) => ({
              id: template.id,
              label: template.title,
              onSelect: () => set(template.text),
            }))}
          >
            Templates
            <Icon name="down" size={12} />
          </Menu>
        </>
      }
    >
      <div className={`${styles.editor} mono`}>
        <pre ref={behind} aria-hidden="true">
          <JsonText text={text} />
          {'\n'}
        </pre>
        <textarea
          data-main
          aria-label="Event, as JSON"
          aria-invalid={!parsed.ok}
          aria-errormessage={parsed.ok ? undefined : 'event-error'}
          spellCheck={false}
          autoComplete="off"
          value={text}
          onChange={(event) => set(event.target.value)}
          onScroll={(event) => {
            if (behind.current === null) return;
            behind.current.scrollTop = event.currentTarget.scrollTop;
            behind.current.scrollLeft = event.currentTarget.scrollLeft;
          }}
        />
      </div>
      {!parsed.ok && (
        <p id="event-error" className={`${styles.error} danger`}>
          {parsed.error.message}
        </p>
      )}
    </Section>
  );
}
