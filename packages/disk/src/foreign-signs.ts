/** The marks by which disk images of other programs are known, and the commands that convert them. */

/** The mark of a format: bytes at a place, from the start or, if the place is negative, from the end. */
export interface Sign {
  readonly name: string;
  readonly at: number;
  readonly text: string;
  /** The conversion to a raw disk: QEMU's name for the format, or a command that unpacks it; null for none. */
  readonly convert: { readonly format: string } | { readonly command: ((path: string) => string) | null };
}

/** Unpacks through a pipe, since tools that unpack refuse a file whose name lacks their ending. */
const unpackedBy = (tool: string) => (path: string) => `${tool} -dc < ${path} > ${path}.raw`;
const unpack = (path: string) => `tar -xf ${path}`;
/** What is packed is often a tar archive: those of Google's cloud are, with a disk.raw inside. */
export const packedTar = { command: unpack };
/** What is encrypted is converted with the key in a file of its own. */
const decryptedBy = (driver: string, secret: string) => (name: string) =>
  `qemu-img convert --object secret,id=key,file=KEYFILE --image-opts driver=${driver},${secret}=key,file.filename=${name} -O raw ${name}.raw`;
export const decryptQcow2 = { command: decryptedBy('qcow2', 'encrypt.key-secret') };
/** The disk of another system: it cannot become an image of Nanos. */
const foreignSystem = { command: null };

/** Clean or not, with errors or without, and with orphans. Source: the kernel's documentation of ext4, `s_state`. */
const extStates = [0, 1, 2, 3, 4, 5];

/** Source: `qemu-img` and the formats' own specifications. */
export const signs: readonly Sign[] = [
  { name: 'VMDK (VMware)', at: 0, text: 'KDMV', convert: { format: 'vmdk' } },
  { name: 'VMDK (VMware)', at: 0, text: 'COWD', convert: { format: 'vmdk' } },
  { name: 'VMDK (VMware)', at: 0, text: '# Disk DescriptorFile', convert: { format: 'vmdk' } },
  { name: 'VHDX (Hyper-V)', at: 0, text: 'vhdxfile', convert: { format: 'vhdx' } },
  { name: 'VHD (Hyper-V, Azure)', at: 0, text: 'conectix', convert: { format: 'vpc' } },
  { name: 'VHD (Hyper-V, Azure)', at: -512, text: 'conectix', convert: { format: 'vpc' } },
  { name: 'VDI (VirtualBox)', at: 0x40, text: '\x7f\x10\xda\xbe', convert: { format: 'vdi' } },
  { name: 'QED (QEMU)', at: 0, text: 'QED\0', convert: { format: 'qed' } },
  { name: 'a disk packed with gzip', at: 0, text: '\x1f\x8b', convert: { command: unpackedBy('gzip') } },
  { name: 'a disk packed with xz', at: 0, text: '\xfd7zXZ\0', convert: { command: unpackedBy('xz') } },
  {
    name: 'a disk packed with Zstandard',
    at: 0,
    text: '\x28\xb5\x2f\xfd',
    convert: { command: unpackedBy('zstd') },
  },
  { name: 'a disk packed with lz4', at: 0, text: '\x04\x22\x4d\x18', convert: { command: unpackedBy('lz4') } },
  { name: 'a disk packed with bzip2', at: 0, text: 'BZh', convert: { command: unpackedBy('bzip2') } },
  { name: 'a zip archive', at: 0, text: 'PK\x03\x04', convert: { command: (path) => `unzip ${path}` } },
  { name: 'a disk packed with lzop', at: 0, text: '\x89LZO\0', convert: { command: unpackedBy('lzop') } },
  { name: 'a 7z archive', at: 0, text: '7z\xbc\xaf\x27\x1c', convert: { command: (path) => `7z x ${path}` } },
  {
    name: 'a sparse image of Android',
    at: 0,
    text: '\x3a\xff\x26\xed',
    convert: { command: (path) => `simg2img ${path} ${path}.raw` },
  },
  { name: 'a Bochs disk', at: 0, text: 'Bochs Virtual HD Image', convert: { format: 'bochs' } },
  { name: 'a disk image of macOS (DMG)', at: -512, text: 'koly', convert: { format: 'dmg' } },
  { name: 'a Parallels disk', at: 0, text: 'WithoutFreeSpace', convert: { format: 'parallels' } },
  { name: 'a Parallels disk', at: 0, text: 'WithouFreSpacExt', convert: { format: 'parallels' } },
  {
    name: 'a disk encrypted with LUKS',
    at: 0,
    text: 'LUKS\xba\xbe',
    convert: { command: decryptedBy('luks', 'key-secret') },
  },
  { name: 'a file system of Linux (XFS)', at: 0, text: 'XFSB', convert: foreignSystem },
  { name: 'a file system of Linux (squashfs)', at: 0, text: 'hsqs', convert: foreignSystem },
  { name: 'a file system of Linux (EROFS)', at: 1024, text: '\xe2\xe1\xf5\xe0', convert: foreignSystem },
  { name: 'a cpio archive, such as an initrd', at: 0, text: '070701', convert: foreignSystem },
  ...extStates.map((state) => ({
    name: 'a file system of Linux (ext2, ext3 or ext4)',
    at: 0x438,
    text: `\x53\xef${String.fromCharCode(state)}\0`,
    convert: foreignSystem,
  })),
  { name: 'a file system of Linux (Btrfs)', at: 0x10040, text: '_BHRfS_M', convert: foreignSystem },
  { name: 'a file system of Linux (F2FS)', at: 0x400, text: '\x10\x20\xf5\xf2', convert: foreignSystem },
  { name: 'a swap space of Linux', at: 4086, text: 'SWAPSPACE2', convert: foreignSystem },
  { name: 'a physical volume of LVM', at: 512, text: 'LABELONE', convert: foreignSystem },
  { name: 'a kernel of Linux (bzImage)', at: 0x202, text: 'HdrS', convert: foreignSystem },
  { name: 'a file system of Windows (exFAT)', at: 3, text: 'EXFAT   ', convert: foreignSystem },
  { name: 'a file system of macOS (APFS)', at: 32, text: 'NXSB', convert: foreignSystem },
  { name: 'a file system of Windows (NTFS)', at: 3, text: 'NTFS    ', convert: foreignSystem },
  { name: 'a file system of Windows (FAT)', at: 54, text: 'FAT', convert: foreignSystem },
  { name: 'a file system of Windows (FAT)', at: 82, text: 'FAT32', convert: foreignSystem },
  { name: 'a disk with a GPT partition table', at: 512, text: 'EFI PART', convert: foreignSystem },
  { name: 'a CD image (ISO 9660)', at: 0x8001, text: 'CD001', convert: foreignSystem },
  { name: 'a tar archive', at: 257, text: 'ustar', convert: { command: unpack } },
];
