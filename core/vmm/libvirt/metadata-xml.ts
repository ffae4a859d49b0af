import type { MachineMetadata } from '../vmm.ts';
import { attributes } from './xml.ts';

/** The namespace of our element in a domain's metadata, and its prefix there. */
export const metadataNamespace = 'https://firstlight.dev/xmlns/instance/1';
export const metadataPrefix = 'firstlight';
const elementName = 'instance';

/** The element of a function's instance that was deployed to this host: the host keeps it. */
export const deployedElement = { name: 'deployed', namespace: 'https://firstlight.dev/xmlns/deployed/1' } as const;
const instanceElement = { name: elementName, namespace: metadataNamespace } as const;

/** The element that carries metadata in the XML of a new domain. Shape: values are escaped. */
export function writeMetadataXml(
  metadata: MachineMetadata,
  { name, namespace }: { readonly name: string; readonly namespace: string } = instanceElement,
): string {
  return writeElement(name, metadata, `${metadataPrefix}:`, { [`xmlns:${metadataPrefix}`]: namespace });
}

/** The same element for a domain that runs: libvirt adds the namespace itself. */
export function writeBareMetadataXml(metadata: MachineMetadata, name: string = elementName): string {
  return writeElement(name, metadata, '', {});
}

type Values = Readonly<Record<string, string | number | boolean | null>>;

function writeElement(name: string, metadata: MachineMetadata, prefix: string, more: Values): string {
  const values: Record<string, string | number | boolean | null> = { ...more };
  let children = '';
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value === 'object' && value !== null) children += writeElement(key, value, prefix, {});
    else values[key] = value;
  }
  const start = `<${prefix}${name}${attributes(values)}`;
  return children === '' ? `${start}/>` : `${start}>${children}</${prefix}${name}>`;
}

/** The metadata in an element: text by name, in groups by name. Undefined for another element, and for text that is not XML. */
export async function readMetadataXml(xml: string, name: string = elementName): Promise<unknown> {
  // Loaded late: only a program that finds machines of an earlier one reads any.
  const { XMLParser } = await import('fast-xml-parser');
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    removeNSPrefix: true,
    parseAttributeValue: false,
    // Numeric references: line ends in a path are written as such.
    htmlEntities: true,
  });
  try {
    return (parser.parse(xml) as Record<string, unknown>)[name];
  } catch {
    // The parser's errors do not have their own class. Any program may write a domain's metadata.
    return undefined;
  }
}
