/** The file that libvirt saves a domain into: a header, the domain's XML and a cookie, then QEMU's own stream. */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { FirstlightError } from '#shared/errors.ts';
import type { PlacedMachine } from '../machine.ts';
import { escapeXml } from './xml.ts';

/**
 * Source: `struct _virQEMUSaveHeader` in libvirt's qemu_saveimage.h, version 2, little-endian: magic, version, length of
 * the XML with its cookie, three more words, 14 unused ones.
 */
const magic = 'LibvirtQemudSave';
const headerBytes = 92;
const versionAt = 16;
const lengthAt = 20;
const cookieAt = 32;
const version = 2;
/** libvirt itself refuses a longer XML from a client. */
const maxXmlBytes = 4 * 1024 * 1024;
const copyBytes = 1024 * 1024;

/** What a domain that is restored has of its own. */
export interface RestoredDomain extends Pick<PlacedMachine, 'name' | 'uuid' | 'title' | 'sockets'> {
  /** An element in a namespace of ours, or the empty string. */
  readonly metadataXml: string;
}

/**
 * Writes a saved domain as another one: with a name, a UUID, metadata and sockets of its own. libvirt refuses to change
 * these when it restores, since it takes a saved domain for one that comes back once.
 *
 * Errors: BOOT_FAILED for a file that is no saved domain of a version that is known.
 */
export async function writeRestorable(from: string, to: string, domain: RestoredDomain): Promise<void> {
  const source = await open(from);
  const target = await open(to, 'wx', 0o600);
  try {
    const header = await readExactly(source, headerBytes, 0, from);
    const length = header.readUInt32LE(lengthAt);
    if (
      header.toString('latin1', 0, magic.length) !== magic ||
      header.readUInt32LE(versionAt) !== version ||
      length > maxXmlBytes
    ) {
      throw notSaved(from);
    }
    const data = await readExactly(source, length, headerBytes, from);
    const cookieOffset = header.readUInt32LE(cookieAt);
    const text = data.toString('utf8', 0, data.indexOf(0));
    const xml = Buffer.from(`${renameDomain(text, domain)}\0`);
    const cookie = cookieOffset === 0 ? Buffer.alloc(0) : data.subarray(cookieOffset);
    header.writeUInt32LE(xml.length + cookie.length, lengthAt);
    if (cookieOffset !== 0) header.writeUInt32LE(xml.length, cookieAt);
    await target.writev([header, xml, cookie]);
    await copyRest(source, headerBytes + length, target);
  } catch (thrown) {
    await rm(to, { force: true });
    throw thrown;
  } finally {
    await Promise.all([source.close(), target.close()]);
  }
}

/** The XML of another domain with the same machine. */
export function renameDomain(xml: string, { name, uuid, title, metadataXml, sockets }: RestoredDomain): string {
  const element = (tag: string, text: string) =>
    [new RegExp(`<${tag}>[^<]*</${tag}>`), `<${tag}>${text}</${tag}>`] as const;
  const paths = { serial: sockets.serial, channel: sockets.channel, console: sockets.console };
  const renamed = [
    element('name', escapeXml(name)),
    element('uuid', escapeXml(uuid)),
    element('title', escapeXml(title)),
    [/<metadata>[\s\S]*?<\/metadata>/, `<metadata>${metadataXml}</metadata>`] as const,
  ].reduce((text, [pattern, replacement]) => text.replace(pattern, () => replacement), xml);
  return renamed.replace(
    /(\spath=)(["'])[^"']*\/(serial|channel|console)\.sock\2/g,
    (_, before, quote, socket: keyof typeof paths) => `${before}${quote}${escapeXml(paths[socket])}${quote}`,
  );
}

async function readExactly(file: FileHandle, count: number, at: number, path: string): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0, count, at);
  if (bytesRead < count) throw notSaved(path);
  return buffer;
}

async function copyRest(source: FileHandle, from: number, target: FileHandle): Promise<void> {
  const buffer = Buffer.alloc(copyBytes);
  for (let at = from; ; ) {
    const { bytesRead } = await source.read(buffer, 0, copyBytes, at);
    if (bytesRead === 0) return;
    await target.write(buffer, 0, bytesRead);
    at += bytesRead;
  }
}

const notSaved = (path: string) =>
  new FirstlightError('BOOT_FAILED', `${path} is not a domain that this libvirt saved.`, {
    hint: 'Run the function again: it is saved anew.',
    details: { subject: path },
  });
