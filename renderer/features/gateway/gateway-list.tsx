import { useStudio } from '../../bind/studio.tsx';
import { Button } from '../../ui/button.tsx';
import { joinClasses } from '../../ui/join-classes.ts';
import { RowList } from '../../ui/row-list.tsx';
import rows from '../../ui/rows.module.css';
import { Section } from '../../ui/section.tsx';
import { EmptyState } from '../../ui/states.tsx';
import styles from './gateway.module.css';
import { useGateway, useGatewayState } from './use-gateway.ts';

/** The functions behind the gateway, each with the number of its instances. */
export function GatewayList() {
  const studio = useStudio();
  const gateway = useGateway();
  const chosen = useGatewayState((state) => state.chosen);
  return (
    <Section title="Gateway" grow>
      {gateway === null ? (
        <EmptyState
          title="It does not run"
          action={
            <Button
              icon="play"
              onClick={() => {
                studio.gateway.open();
                void studio.gateway.start();
              }}
            >
              Start it
            </Button>
          }
        >
          It serves the open functions by HTTP, as a cluster would at its edge.
        </EmptyState>
      ) : (
        <RowList label="Functions behind the gateway">
          {gateway.functions.map(({ projectId, name, instances, busy }) => (
            <li key={projectId} className={joinClasses(rows.row, chosen === projectId && rows.active)}>
              <button
                type="button"
                data-row
                className={rows.main}
                aria-current={chosen === projectId}
                aria-label={`${name}, ${instances} instances`}
                onClick={() => {
                  studio.gateway.choose(projectId);
                  studio.gateway.open();
                }}
              >
                <span className={styles.dot} data-state={busy > 0 ? 'busy' : instances > 0 ? 'ready' : 'zero'} />
                <span className={`ellipsis ${rows.name}`}>{name}</span>
                <span className={`mono muted ${styles.count}`}>{instances}</span>
              </button>
            </li>
          ))}
        </RowList>
      )}
    </Section>
  );
}
