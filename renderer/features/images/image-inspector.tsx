import type { ImageInfo } from '#shared/model/image-tree.ts';
import { useProject, useSession, useStudio } from '../../bind/studio.tsx';
import type { Inspected } from '../../state/session.ts';
import { Button } from '../../ui/button.tsx';
import { Page } from '../../ui/page.tsx';
import { Segments } from '../../ui/segments.tsx';
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx';
import { ImageFacts } from './image-facts.tsx';
import { ImageFiles } from './image-files.tsx';
import styles from './image-inspector.module.css';
import { ImageSections } from './image-sections.tsx';

/** The content of an image, and its use of space. */
export function ImageInspector() {
  const studio = useStudio();
  const project = useProject();
  const shown = useSession((state) => state.inspected);
  const images = useSession((state) => state.images.value);
  const close = () => studio.transient.setState({ center: 'editor' });
  const stored =
    shown !== null && 'imageId' in shown.image
      ? images?.find((image) => 'imageId' in shown.image && image.id === shown.image.imageId)
      : undefined;
  const name = stored?.functionName ?? (shown !== null && 'path' in shown.image ? shown.image.path : 'Image');
  const info = shown?.info.value ?? null;
  return (
    <Page
      title={name}
      note={
        info === null ? (
          'Files, sizes and options of an image'
        ) : (
          <span className={`mono selectable ellipsis ${styles.path}`}>{info.path}</span>
        )
      }
      actions={shown !== null && info?.fileSystem !== undefined && <Partitions shown={shown} info={info} />}
      closeLabel="Close the image"
      bare
      onClose={close}
    >
      {shown === null ? (
        <EmptyState
          icon="builds"
          title={project === null ? 'No image is chosen' : `${project.name} is not built yet`}
          action={
            project !== null && (
              <Button
                kind="primary"
                icon="builds"
                onClick={() => void studio.builds.build(project.id).then(studio.images.inspectBuilt)}
              >
                Build {project.name}
              </Button>
            )
          }
        >
          Choose an image in the list on the left, or build one.
        </EmptyState>
      ) : shown.info.error !== null ? (
        <ErrorState
          error={shown.info.error}
          actions={
            <Button onClick={() => void studio.images.inspect(shown.image, shown.partition)}>Read it again</Button>
          }
        />
      ) : info === null ? (
        <LoadingState message="Reading the image" />
      ) : (
        <>
          <ImageFacts info={info} />
          {info.fileSystem === null ? (
            <ImageSections sections={info.sections} />
          ) : shown.tree.error !== null ? (
            <ErrorState
              error={shown.tree.error}
              actions={
                <Button onClick={() => void studio.images.inspect(shown.image, shown.partition)}>Read it again</Button>
              }
            />
          ) : shown.tree.value === null ? (
            <LoadingState message="Reading its files" />
          ) : (
            <ImageFiles key={`${info.path} ${shown.partition}`} tree={shown.tree.value} info={info} shown={shown} />
          )}
        </>
      )}
    </Page>
  );
}

/** Switches between the program's file system and the one with the kernel. */
function Partitions({ shown, info }: { readonly shown: Inspected; readonly info: ImageInfo | null }) {
  const studio = useStudio();
  if (info === null || !info.partitions.some((part) => part.kind === 'boot')) return null;
  return (
    <Segments
      label="File system"
      active={shown.partition}
      onSelect={(partition) => void studio.images.inspect(shown.image, partition)}
      items={[
        { id: 'root', label: 'Program', tip: 'What the program finds' },
        { id: 'boot', label: 'Kernel', tip: 'What the boot loader reads: kernel and klibs' },
      ]}
    />
  );
}
