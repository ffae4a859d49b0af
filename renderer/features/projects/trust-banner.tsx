import { useProject, useSession, useStudio } from '../../bind/studio.tsx';
import { knownAsks } from '../../state/asks.ts';
import { Button } from '../../ui/button.tsx';
import { Icon } from '../../ui/icon.tsx';
import styles from './trust.module.css';

/** A notice that the shown project is restricted, while it is. */
export function TrustBanner() {
  const studio = useStudio();
  const project = useProject();
  const builds = useSession((state) => state.builds);
  if (project === null || project.trusted) return null;
  const count = knownAsks({ builds }, project).length;
  return (
    <section className={styles.banner} aria-label="Restricted" data-asks={count}>
      <Icon name="lock" size={14} />
      <span className="ellipsis">
        <strong>{project.name} is restricted.</strong>{' '}
        {count === 0
          ? 'It gets its own folder and its ports, and asks for no more.'
          : `It asks for ${count === 1 ? 'one thing' : `${count} things`} outside its folder.`}
      </span>
      <Button onClick={() => studio.transient.setState({ dialog: { kind: 'trust', projectId: project.id } })}>
        Trust…
      </Button>
    </section>
  );
}
