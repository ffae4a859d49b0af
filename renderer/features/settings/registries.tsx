import { useEffect, useState } from 'react';
import type { AllowedTokenService } from '#shared/model/token-service.ts';
import { useStudio } from '../../bind/studio.tsx';
import { IconButton } from '../../ui/button.tsx';
import styles from './settings.module.css';

/** The registries whose tokens come from another host, as GitLab's do. A person allows each on the command line. */
export function Registries() {
  const { settings } = useStudio();
  const [allowed, setAllowed] = useState<readonly AllowedTokenService[] | null>(null);
  const [failure, setFailure] = useState<string | null>(null);

  /** Does something, and shows what the settings then say. */
  const refresh = async (work: () => Promise<void> = async () => undefined) => {
    try {
      await work();
      setAllowed(await settings.listRegistries());
      setFailure(null);
    } catch (thrown) {
      setFailure(thrown instanceof Error ? thrown.message : String(thrown));
    }
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: they are read when the page opens
  useEffect(() => void refresh(), []);

  return (
    <section aria-label="Registries">
      <h2 className={styles.title}>Registries</h2>
      <p className="muted">
        Names and passwords are those of <code>docker login</code> and <code>podman login</code>, and go to a registry’s
        own hosts only. One whose tokens come from another host, as GitLab’s do, needs your word for it.
      </p>
      <table className={styles.keys}>
        <tbody>
          {allowed?.map(({ registry, tokenService }) => (
            <tr key={registry}>
              <th scope="row" className="mono selectable">
                {registry}
              </th>
              <td className="mono selectable">{tokenService}</td>
              <td>
                <IconButton
                  icon="close"
                  size={12}
                  label={`Take back ${tokenService} for ${registry}`}
                  onClick={() => void refresh(() => settings.forgetTokenService(registry))}
                />
              </td>
            </tr>
          ))}
          {allowed?.length === 0 && (
            <tr>
              <td className="muted">No other host gets a name or password.</td>
            </tr>
          )}
        </tbody>
      </table>
      <p className="muted">
        The window gives no such word, lest a page that is not yours did. On the command line:{' '}
        <code className="selectable">firstlight registry allow registry.example.com https://gitlab.example.com</code>
      </p>
      {failure !== null && (
        <span className="danger" role="alert">
          {failure}
        </span>
      )}
    </section>
  );
}
