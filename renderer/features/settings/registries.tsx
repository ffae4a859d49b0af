import { type FormEvent, useEffect, useState } from 'react';
import { type AllowedTokenService, readRegistryHost, readTokenService } from '#shared/model/token-service.ts';
import { useStudio } from '../../bind/studio.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import fieldStyles from '../../ui/field.module.css';
import styles from './settings.module.css';

/** The registries whose tokens come from another host, as GitLab's do: a person allows each. */
export function Registries() {
  const { settings } = useStudio();
  const [allowed, setAllowed] = useState<readonly AllowedTokenService[] | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const [host, setHost] = useState('');
  const [address, setAddress] = useState('');

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

  const allow = (event: FormEvent) => {
    event.preventDefault();
    const registry = readRegistryHost(host);
    const tokenService = readTokenService(address);
    if (registry === null) return setFailure('A registry is what its images’ names begin with: registry.example.com');
    if (tokenService === null) {
      return setFailure('A token service is https:// and a host, without a path: https://gitlab.example.com');
    }
    setHost('');
    setAddress('');
    void refresh(() => settings.setTokenService(registry, tokenService));
  };

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
                  onClick={() => void refresh(() => settings.setTokenService(registry, null))}
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
      <form className={styles.add} onSubmit={allow}>
        <input
          className={`${fieldStyles.input} mono`}
          aria-label="Registry"
          placeholder="registry.example.com"
          spellCheck={false}
          value={host}
          onChange={({ target }) => setHost(target.value)}
        />
        <input
          className={`${fieldStyles.input} mono`}
          aria-label="Its token service"
          placeholder="https://gitlab.example.com"
          spellCheck={false}
          value={address}
          onChange={({ target }) => setAddress(target.value)}
        />
        <Button type="submit">Allow</Button>
      </form>
      {failure !== null && (
        <span className="danger" role="alert">
          {failure}
        </span>
      )}
    </section>
  );
}
