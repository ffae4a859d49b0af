import { useEffect, useState } from 'react';
import type { StoredImage } from '#shared/model/image-tree.ts';
import { useNow, useSession, useStudio, useTransient } from '../../bind/studio.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { FilterInput, matchesWords } from '../../ui/filter-input.tsx';
import { formatAgo, formatBytes } from '../../ui/format.ts';
import { RowList } from '../../ui/row-list.tsx';
import rows from '../../ui/rows.module.css';
import { Section } from '../../ui/section.tsx';
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx';
import styles from './image-list.module.css';

/** The images in the store, newest first; each can be inspected. */
export function ImageList() {
  const studio = useStudio();
  const images = useSession((state) => state.images);
  const leaving = useTransient((state) => state.leaving);
  const [query, setQuery] = useState('');
  useEffect(() => void studio.images.load(), [studio]);
  const shown = (images.value ?? []).filter(
    (image) => !leaving.has(image.id) && matchesWords(query, [image.functionName, image.runtime, image.id]),
  );
  return (
    <Section
      title="Images"
      grow
      actions={
        <>
          <IconButton
            icon="folder"
            label="Look into an image file"
            onClick={() => studio.transient.setState({ dialog: { kind: 'open-image' } })}
          />
          <IconButton icon="trash" label="Delete the images that nothing uses" onClick={studio.images.prune} />
          <IconButton icon="refresh" label="Read the list again" onClick={() => void studio.images.load()} />
        </>
      }
    >
      {images.value === null && images.error !== null ? (
        <ErrorState
          compact
          error={images.error}
          actions={<Button onClick={() => void studio.images.load()}>Try again</Button>}
        />
      ) : images.value === null ? (
        <LoadingState message="Reading the store" />
      ) : images.value.length === 0 ? (
        <EmptyState title="The store is empty">Each build puts its image here.</EmptyState>
      ) : (
        <>
          <FilterInput label="Filter the images" value={query} onChange={setQuery} />
          <RowList label="Images">
            {shown.map((image) => (
              <ImageRow key={image.id} image={image} />
            ))}
          </RowList>
        </>
      )}
    </Section>
  );
}

function ImageRow({ image }: { readonly image: StoredImage }) {
  const studio = useStudio();
  const now = useNow(10_000);
  const isShown = useSession(
    ({ inspected }) => inspected !== null && 'imageId' in inspected.image && inspected.image.imageId === image.id,
  );
  return (
    <li className={isShown ? `${rows.row} ${rows.active}` : rows.row}>
      <button
        type="button"
        data-row
        className={rows.main}
        aria-current={isShown}
        data-tip={image.path}
        onClick={() => void studio.images.inspect({ imageId: image.id })}
      >
        <span className={styles.words}>
          <span className="ellipsis">
            {image.functionName ?? <span className="muted">earlier image</span>}{' '}
            <span className="mono muted">{image.id.slice(0, 8)}</span>
          </span>
          <span className={`ellipsis muted ${styles.detail}`}>
            {image.runtime}, {formatBytes(image.bytes)}, {formatAgo(Date.parse(image.createdAt), now)}
          </span>
        </span>
      </button>
      <span className={rows.action}>
        <IconButton
          icon="trash"
          size={12}
          label={`Delete the image ${image.id.slice(0, 8)}`}
          onClick={() => studio.images.remove([image.id])}
        />
      </span>
    </li>
  );
}
