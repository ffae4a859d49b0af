import type { ReactNode } from 'react';
import type { ImageFileSystem, ImageInfo } from '#shared/model/image-tree.ts';
import { formatBytes } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import styles from './image-about.module.css';

/** The description of an image, without its files. */
export function ImageAbout({ info }: { readonly info: ImageInfo }) {
  const { fileSystem } = info;
  return (
    <div className={`${styles.about} scroll`}>
      {fileSystem !== null && <OfFileSystem fileSystem={fileSystem} />}
      <Group title="File on this machine">
        <Fact name="Path">{info.path}</Fact>
        <Fact name="Format">{info.format}</Fact>
        {info.backing.map((path) => (
          <Fact key={path} name="Builds on">
            {path}
          </Fact>
        ))}
        {info.partitions.map((part) => (
          <Fact key={`${part.kind} ${part.start}`} name={part.kind}>
            {formatBytes(part.bytes)} at {part.start.toLocaleString('en')}
          </Fact>
        ))}
      </Group>
    </div>
  );
}

function OfFileSystem({ fileSystem }: { readonly fileSystem: ImageFileSystem }) {
  const { log } = fileSystem;
  return (
    <>
      {fileSystem.warnings.map((warning) => (
        <p key={warning} className={styles.warning}>
          <span className="warning">
            <Icon name="warning" size={13} />
          </span>
          {warning}
        </p>
      ))}
      <Group title="Options">
        <Fact name="arguments">{JSON.stringify(fileSystem.arguments)}</Fact>
        {fileSystem.klibs.length > 0 && <Fact name="klibs">{fileSystem.klibs.join(', ')}</Fact>}
        {Object.entries(fileSystem.options)
          .filter(([name]) => name !== 'klibs' || fileSystem.klibs.length === 0)
          .map(([name, value]) => (
            <Fact key={name} name={name}>
              {typeof value === 'string' ? value : JSON.stringify(value)}
            </Fact>
          ))}
      </Group>
      {Object.keys(fileSystem.environment).length > 0 && (
        <Group title="Environment">
          {Object.entries(fileSystem.environment).map(([name, value]) => (
            <Fact key={name} name={name}>
              {value}
            </Fact>
          ))}
        </Group>
      )}
      <Group title="File system">
        <Fact name="Kind">TFS {fileSystem.version}</Fact>
        <Fact name="Label">{fileSystem.label}</Fact>
        <Fact name="UUID">{fileSystem.uuid}</Fact>
        <Fact name="Log">
          {formatBytes(log.usedBytes)} of {formatBytes(log.reservedBytes)} written
          {log.pieces > 1 ? `, in ${log.pieces} pieces` : ''}
        </Fact>
        <Fact name="Free">{formatBytes(fileSystem.freeBytes)}</Fact>
      </Group>
    </>
  );
}

function Group({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      <dl className={`${styles.facts} selectable`}>{children}</dl>
    </section>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd className="mono">{children}</dd>
    </>
  );
}
