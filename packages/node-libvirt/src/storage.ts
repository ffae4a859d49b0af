import type { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import type { CallOptions } from './call-options.ts';
import type { Caller } from './caller.ts';
import * as protocol from './protocol.gen.ts';
import type { LibvirtStream } from './stream.ts';

/** A handle on a storage pool: its names and its operations. It keeps no resource open. */
export class StoragePool {
  readonly #caller: Caller;
  readonly name: string;
  readonly uuid: string;

  constructor(caller: Caller, wire: protocol.StoragePool) {
    this.#caller = caller;
    this.name = wire.name;
    this.uuid = wire.uuid;
  }

  get #wire(): protocol.StoragePool {
    return { name: this.name, uuid: this.uuid };
  }

  /** Reads what is in it anew. */
  async refresh(options?: CallOptions): Promise<void> {
    await this.#caller.call(protocol.storagePoolRefresh, { pool: this.#wire, flags: 0 }, options);
  }

  /** Ends the pool; its files stay. */
  async destroy(options?: CallOptions): Promise<void> {
    await this.#caller.call(protocol.storagePoolDestroy, { pool: this.#wire }, options);
  }

  async createVolumeXml(xml: string, options?: CallOptions): Promise<StorageVolume> {
    const { vol } = await this.#caller.call(protocol.storageVolCreateXml, { pool: this.#wire, xml, flags: 0 }, options);
    return new StorageVolume(this.#caller, vol);
  }

  /** The volumes in it, as of the last refresh. */
  async listVolumes(options?: CallOptions): Promise<StorageVolume[]> {
    const args = { pool: this.#wire, needResults: 1, flags: 0 };
    const { volumes } = await this.#caller.call(protocol.storagePoolListAllVolumes, args, options);
    return volumes.map((volume) => new StorageVolume(this.#caller, volume));
  }

  /** Errors: LibvirtError, for which `isNotFound` is true where there is none. */
  async lookupVolume(name: string, options?: CallOptions): Promise<StorageVolume> {
    const { vol } = await this.#caller.call(protocol.storageVolLookupByName, { pool: this.#wire, name }, options);
    return new StorageVolume(this.#caller, vol);
  }
}

/** A handle on a volume of a pool. It keeps no resource open. */
export class StorageVolume {
  readonly #caller: Caller;
  readonly pool: string;
  readonly name: string;
  readonly key: string;

  constructor(caller: Caller, wire: protocol.StorageVolume) {
    this.#caller = caller;
    this.pool = wire.pool;
    this.name = wire.name;
    this.key = wire.key;
  }

  get #wire(): protocol.StorageVolume {
    return { pool: this.pool, name: this.name, key: this.key };
  }

  /** Its path on the host. */
  async path(options?: CallOptions): Promise<string> {
    return (await this.#caller.call(protocol.storageVolGetPath, { vol: this.#wire }, options)).path;
  }

  async info(options?: CallOptions): Promise<{ capacityBytes: number; allocationBytes: number }> {
    const { capacityBytes, allocationBytes } = await this.#caller.call(
      protocol.storageVolGetInfo,
      { vol: this.#wire },
      options,
    );
    return { capacityBytes, allocationBytes };
  }

  /** Writes `source` from `offsetBytes` on; settles when the host has it all. Errors: LibvirtError when it does not fit. */
  async upload(
    source: Readable,
    { lengthBytes, offsetBytes = 0, ...options }: CallOptions & { lengthBytes: number; offsetBytes?: number },
  ): Promise<void> {
    const args = { vol: this.#wire, offset: offsetBytes, length: lengthBytes, flags: 0 };
    const stream = await this.#caller.openStream(protocol.storageVolUpload, args, options);
    // Nothing comes back but the confirmation, which is its end.
    stream.resume();
    const confirmed = finished(stream, { writable: false });
    confirmed.catch(() => undefined);
    await pipeline(source, stream, options.signal ? { signal: options.signal, end: true } : {});
    await confirmed;
  }

  /** Its content, as a stream that ends. `lengthBytes` 0: to its end. */
  async download({
    lengthBytes = 0,
    offsetBytes = 0,
    ...options
  }: CallOptions & { lengthBytes?: number; offsetBytes?: number } = {}): Promise<LibvirtStream> {
    const args = { vol: this.#wire, offset: offsetBytes, length: lengthBytes, flags: 0 };
    return await this.#caller.openStream(protocol.storageVolDownload, args, options);
  }

  async delete(options?: CallOptions): Promise<void> {
    await this.#caller.call(protocol.storageVolDelete, { vol: this.#wire, flags: 0 }, options);
  }
}
