/** The output of the tiny guest before it echoes. */
export const tinyGuestGreeting = 'node-libvirt guest\n';

const loadAddress = 0x10_0000;
const headerBytes = 52 + 2 * 32;
const noteBytes = 20;

// Prints the greeting on COM1, then sends back every byte it receives. 32-bit code, as PVH enters it.
const code = (messageAddress: number) =>
  Buffer.from(
    [
      'ba f8 03 00 00', // mov edx, 0x3f8
      `be ${littleEndian(messageAddress)}`, // mov esi, message
      'ac', // next: lodsb
      '84 c0', // test al, al
      '74 03', // jz echo
      'ee', // out dx, al
      'eb f8', // jmp next
      'b2 fd', // echo: mov dl, 0xfd
      'ec', // wait: in al, dx
      'a8 01', // test al, 1
      '74 fb', // jz wait
      'b2 f8', // mov dl, 0xf8
      'ec', // in al, dx
      'ee', // out dx, al
      'eb f3', // jmp echo
    ]
      .join('')
      .replaceAll(' ', ''),
    'hex',
  );

function littleEndian(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes.toString('hex');
}

/** An ELF file that QEMU boots by PVH (`<kernel>`): the smallest guest that uses its serial port both ways. */
export function tinyGuest(): Buffer {
  const codeOffset = headerBytes + noteBytes;
  const entry = loadAddress + codeOffset;
  const body = Buffer.concat([code(entry + code(0).length), Buffer.from(`${tinyGuestGreeting}\0`)]);
  const size = codeOffset + body.length;
  const elf = Buffer.alloc(codeOffset);
  elf.write('7f454c46010101', 'hex'); // ELF, 32-bit, little-endian, version 1
  elf.writeUInt16LE(2, 16); // executable
  elf.writeUInt16LE(3, 18); // i386
  elf.writeUInt32LE(1, 20);
  elf.writeUInt32LE(entry, 24);
  elf.writeUInt32LE(52, 28); // program headers follow this header
  elf.writeUInt16LE(52, 40);
  elf.writeUInt16LE(32, 42);
  elf.writeUInt16LE(2, 44);
  const writeSegment = (at: number, type: number, offset: number, bytes: number) => {
    const words = [type, offset, loadAddress + offset, loadAddress + offset, bytes, bytes, 7, 4];
    for (const [i, word] of words.entries()) elf.writeUInt32LE(word, at + i * 4);
  };
  writeSegment(52, 1, 0, size); // load
  writeSegment(84, 4, headerBytes, noteBytes); // note
  elf.writeUInt32LE(4, headerBytes); // name size
  elf.writeUInt32LE(4, headerBytes + 4); // value size
  elf.writeUInt32LE(18, headerBytes + 8); // XEN_ELFNOTE_PHYS32_ENTRY
  elf.write('Xen\0', headerBytes + 12);
  elf.writeUInt32LE(entry, headerBytes + 16);
  return Buffer.concat([elf, body]);
}

/** XML of a small emulated domain. */
export function tinyDomainXml(name: string, kernelPath?: string): string {
  return `<domain type='qemu'>
  <name>${name}</name><memory unit='MiB'>8</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type>
    <loader readonly='yes' type='rom'>/usr/share/qemu/qboot.rom</loader>${kernelPath ? `<kernel>${kernelPath}</kernel>` : ''}</os>
  <devices>
    <controller type='usb' model='none'/><memballoon model='none'/>
    <serial type='pty'/><console type='pty'/>
    <channel type='unix'><target type='virtio' name='org.nodelibvirt.0'/></channel>
  </devices>
</domain>`;
}
