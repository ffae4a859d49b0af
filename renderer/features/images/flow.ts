import type { ImageRef } from '#shared/contract/images.ts';
import { toFirstlightError } from '#shared/errors.ts';
import type { ImagePartition, ImageText } from '#shared/model/image-tree.ts';
import type { ImageId } from '#shared/model/units.ts';
import { addToast, currentProject, report, type StudioContext } from '../../state/context.ts';
import type { Deletions } from '../../state/deletions.ts';
import { failed, idle, type Loadable, loading, ready } from '../../state/loadable.ts';
import type { Inspected } from '../../state/session.ts';
import { formatBytes } from '../../ui/format.ts';

export interface ImageActions {
  /** Reads the list of the store. */
  readonly load: () => Promise<void>;
  /** Shows the content of an image. */
  readonly inspect: (image: ImageRef, partition?: ImagePartition) => Promise<void>;
  /** Shows the content of the image that the current function's next run boots. */
  readonly inspectBuilt: () => Promise<void>;
  /** Deletes images; a person can undo it for a short time. */
  readonly remove: (ids: readonly ImageId[]) => void;
  /** Deletes every unused image, after a person has confirmed it. */
  readonly prune: () => void;
  /** Reads the beginning of a file of the image; null closes it. */
  readonly read: (path: string | null) => Promise<void>;
}

export function createImageActions(context: StudioContext, deletions: Deletions): ImageActions {
  const { client, session, transient } = context;
  const shown = () => session.getState().inspected;
  /** Stores an arrived result, unless another image was chosen in between. */
  const patch = (of: Inspected, change: Partial<Inspected>) => {
    const now = shown();
    if (now?.image === of.image && now.partition === of.partition)
      session.setState({ inspected: { ...now, ...change } });
  };

  const load = async () => {
    session.setState((state) => ({ images: loading(state.images) }));
    try {
      session.setState({ images: ready(await client.call('images:list', {})) });
    } catch (thrown) {
      session.setState((state) => ({ images: failed(state.images, toFirstlightError(thrown)) }));
    }
  };

  const inspect: ImageActions['inspect'] = async (image, partition = 'root') => {
    const opened: Inspected = {
      image,
      partition,
      info: loading(undefined),
      tree: idle,
      path: null,
      text: idle,
    };
    session.setState({ inspected: opened });
    transient.setState({ center: 'image' });
    if (session.getState().images.status === 'idle') void load();
    try {
      const info = await client.call('images:info', { image, partition });
      patch(opened, { info: ready(info) });
      if (info.fileSystem === null) return;
    } catch (thrown) {
      return patch(opened, { info: failed(undefined, toFirstlightError(thrown)) });
    }
    patch(opened, { tree: loading(undefined) });
    try {
      patch(opened, { tree: ready(await client.call('images:tree', { image, partition })) });
    } catch (thrown) {
      patch(opened, { tree: failed(undefined, toFirstlightError(thrown)) });
    }
  };

  const prune = async () => {
    try {
      const { freedBytes } = await client.call('images:prune', {});
      addToast(
        context,
        freedBytes > 0 ? `${formatBytes(freedBytes)} are free again.` : 'Every image is in use, or was lately.',
      );
      await load();
    } catch (thrown) {
      report(context, thrown);
    }
  };

  return {
    load,
    remove: (ids) => {
      const message = ids.length === 1 ? 'The image is deleted.' : `${ids.length} images are deleted.`;
      deletions.begin(ids, message, async (id) => {
        await client.call('images:remove', { imageId: id as ImageId });
        await load();
      });
    },
    prune: () =>
      transient.setState({
        dialog: {
          kind: 'confirm',
          title: 'Delete the images that nothing uses?',
          message:
            'Images that an instance runs from, and those used in the last ten minutes, stay. A deleted one is built again at need.',
          action: 'Delete them',
          onConfirm: () => void prune(),
        },
      }),
    inspect,
    inspectBuilt: async () => {
      const project = currentProject(context);
      const built = project === null ? undefined : session.getState().builds[project.id]?.result?.image;
      if (built !== undefined) return inspect({ imageId: built.id });
      session.setState({ inspected: null });
      transient.setState({ center: 'image' });
    },
    read: async (path) => {
      const of = shown();
      if (of === null) return;
      patch(of, { path, text: path === null ? idle : loading(undefined) });
      if (path === null) return;
      const take = (text: Loadable<ImageText>) => {
        if (shown()?.path === path) patch(of, { text });
      };
      try {
        take(ready(await client.call('images:text', { image: of.image, partition: of.partition, path })));
      } catch (thrown) {
        take(failed(undefined, toFirstlightError(thrown)));
      }
    },
  };
}
