import { useState } from 'react';
import { dnsLabelSchema, isLoopback, libvirtTargetSchema, loopbackAddress, type Target } from '#shared/model/deploy.ts';
import { useStudio } from '../../bind/studio.tsx';
import { FormDialog } from '../../ui/form-dialog.tsx';
import { PathField, type Pickers } from '../../ui/path-field.tsx';
import { Segments } from '../../ui/segments.tsx';
import { TextField } from '../../ui/text-field.tsx';
import { type EngineChoice, EngineFields, isEngineValid } from './engine-fields.tsx';
import styles from './target-dialog.module.css';

const orNull = (text: string) => (text.trim() === '' ? null : text.trim());
const isName = (text: string) => dnsLabelSchema.safeParse(text.trim()).success;

const kinds = [
  { id: 'kubernetes', label: 'Kubernetes' },
  { id: 'libvirt', label: 'libvirt hosts' },
] as const;
const urisIn = (text: string) => text.split(/[\s,]+/).filter((uri) => uri !== '');
const isAddress = (text: string) => libvirtTargetSchema.shape.listen.safeParse(text.trim()).success;
const areHosts = (text: string) => libvirtTargetSchema.shape.uris.safeParse(urisIn(text)).success;

/** Adds a cluster, or hosts, to deploy to, and runs its checks at once. */
export function TargetDialog({ pickers, onClose }: { readonly pickers: Pickers; readonly onClose: () => void }) {
  const studio = useStudio();
  const [kind, setKind] = useState<Target['kind']>('kubernetes');
  const [addresses, setAddresses] = useState('');
  const [listen, setListen] = useState<string>(loopbackAddress);
  const [name, setName] = useState('');
  const [registry, setRegistry] = useState('');
  const [kubeconfig, setKubeconfig] = useState('');
  const [context, setContext] = useState('');
  const [namespace, setNamespace] = useState('');
  const [pullSecret, setPullSecret] = useState('');
  const [registryCa, setRegistryCa] = useState('');
  const [plainHttp, setPlainHttp] = useState(false);
  const [choice, setChoice] = useState<EngineChoice>({ engine: 'pod', workload: 'deployment' });
  const wrong = (text: string) => text.trim() !== '' && !isName(text);
  const isCluster = kind === 'kubernetes';
  const isClusterValid = registry.trim() !== '' && !wrong(namespace) && !wrong(pullSecret) && isEngineValid(choice);
  const valid = isName(name) && (isCluster ? isClusterValid : areHosts(addresses) && isAddress(listen));
  const makeTarget = (): Target =>
    isCluster
      ? {
          name: name.trim(),
          kind,
          ...choice,
          kubeconfig: orNull(kubeconfig),
          context: orNull(context),
          namespace: orNull(namespace),
          registry: registry
            .trim()
            .replace(/^(docker|https?):\/\//, '')
            .replace(/\/+$/, ''),
          registryCa: orNull(registryCa),
          plainHttp,
          pullSecret: orNull(pullSecret),
        }
      : { name: name.trim(), kind: 'libvirt', uris: urisIn(addresses), listen: listen.trim() };
  const submit = async () => {
    await studio.deploy.addTarget(makeTarget());
    studio.deploy.open({ kind: 'target', target: name.trim() });
    void studio.deploy.testTarget(name.trim());
  };
  return (
    <FormDialog
      title={isCluster ? 'Add a cluster' : 'Add hosts'}
      action="Add"
      valid={valid}
      onClose={onClose}
      onSubmit={submit}
    >
      <div className={styles.kinds}>
        <Segments label="Kind" items={kinds} active={kind} onSelect={setKind} />
      </div>
      <div className={isCluster ? styles.pair : undefined}>
        <TextField
          label="Name"
          note="Yours: lower-case letters, digits and dashes."
          placeholder="staging"
          value={name}
          wrong={wrong(name)}
          autoFocus
          onChange={setName}
        />
        {isCluster && (
          <TextField
            label="Registry for images"
            note="A host with a path; docker’s own sign-in is used."
            placeholder="registry.example/team"
            value={registry}
            onChange={setRegistry}
          />
        )}
      </div>
      {isCluster ? (
        <>
          <PathField
            label="Kubeconfig"
            note="Left empty: KUBECONFIG, or ~/.kube/config. It is read, and never copied."
            placeholder="~/.kube/config"
            value={kubeconfig}
            onChange={setKubeconfig}
            pickers={{ pickFile: pickers.pickFile }}
          />
          <div className={styles.pair}>
            <TextField
              label="Context"
              note="Left empty: the current one."
              placeholder="current"
              value={context}
              onChange={setContext}
            />
            <TextField
              label="Namespace"
              note="Left empty: that of the context."
              placeholder="default"
              value={namespace}
              wrong={wrong(namespace)}
              onChange={setNamespace}
            />
          </div>
          <details className={styles.more}>
            <summary>How functions run there</summary>
            <EngineFields choice={choice} onChange={setChoice} />
          </details>
          <details className={styles.more}>
            <summary>A registry that needs more</summary>
            <TextField
              label="Secret with which nodes pull"
              note="Its name in the namespace; left empty where nodes may pull without one."
              placeholder="none"
              value={pullSecret}
              wrong={wrong(pullSecret)}
              onChange={setPullSecret}
            />
            <PathField
              label="Certificate of its authority"
              note="A PEM file; left empty for a public authority."
              placeholder="/etc/ssl/registry-ca.pem"
              value={registryCa}
              onChange={setRegistryCa}
              pickers={{ pickFile: pickers.pickFile }}
            />
            <label className={styles.check}>
              <input type="checkbox" checked={plainHttp} onChange={({ target }) => setPlainHttp(target.checked)} />
              <span>Speak plain HTTP with it, without encryption</span>
            </label>
          </details>
        </>
      ) : (
        <>
          <TextField
            label="Addresses of their libvirt"
            note="One or several, with a space between: by SSH or TLS, as libvirt writes them. Functions are spread over them."
            placeholder="qemu+ssh://root@lab1/system qemu+ssh://root@lab2/system"
            value={addresses}
            wrong={addresses.trim() !== '' && !areHosts(addresses)}
            onChange={setAddresses}
          />
          <TextField
            label="Address of endpoints"
            note={
              isAddress(listen) && !isLoopback(listen)
                ? 'Whoever reaches this address of a host can call its functions. Nobody is asked who calls.'
                : 'Functions that serve HTTP listen there: the host’s loopback, one of its addresses, or 0.0.0.0 for all.'
            }
            placeholder={loopbackAddress}
            value={listen}
            wrong={!isAddress(listen)}
            onChange={setListen}
          />
        </>
      )}
    </FormDialog>
  );
}
