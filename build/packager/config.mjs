// The configuration of the desktop packages: see build/dist.mjs. All of our code is already bundled into dist/.
import { join } from 'node:path';
import { root } from '../script.mjs';
import { shippedPatterns } from '../shipped.mjs';

const synopsis = 'desktop studio for unikernel functions';

/** The description of the deb, in lines that fit a terminal. electron-builder would write one long line. */
const description = `${synopsis}
 Write a function, build it into a bootable unikernel image, boot it in a
 virtual machine under libvirt, and see where every millisecond of the cold
 start went, beside the serial console and graphs of what it uses.`;

/** @type {import('electron-builder').Configuration} */
export default {
  appId: 'dev.firstlight.studio',
  productName: 'Firstlight',
  executableName: 'firstlight-studio',
  directories: { output: 'dist/packages', buildResources: 'assets/icons' },
  files: shippedPatterns,
  // QEMU loads the guest kernel, a worker thread its script, and esbuild its binary by plain paths: none can read an
  // archive.
  asar: false,
  // The binary is Firstlight and nothing else: not a Node.js, not by NODE_OPTIONS, not under a debugger. The archive's
  // fuses stay off, because there is no archive.
  electronFuses: {
    runAsNode: false,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    enableCookieEncryption: true,
    grantFileProtocolExtraPrivileges: false,
  },
  // esbuild's binary comes with its package; nothing is compiled for Electron's ABI.
  npmRebuild: false,
  // A deb must name a home page and a mail address; the project has no public ones yet, and no one can own an
  // `.example` name.
  // Electron gives its windows the name of the desktop entry, so that a desktop shows its icon with them.
  extraMetadata: { homepage: 'https://firstlight.example', desktopName: 'firstlight-studio.desktop' },
  linux: {
    target: ['AppImage', 'deb'],
    category: 'Development',
    icon: 'assets/icons/firstlight.png',
    syncDesktopName: true,
    synopsis,
    desktop: { entry: { Keywords: 'unikernel;function;serverless;libvirt;virtual machine;' } },
    maintainer: 'Firstlight maintainers <maintainers@firstlight.example>',
  },
  // Without this, electron-builder's desktop entry starts Chromium without its sandbox.
  appImage: { executableArgs: [] },
  deb: {
    packageCategory: 'devel',
    fpm: [`${join(root, 'assets/debian-copyright')}=/usr/share/doc/firstlight/copyright`, '--description', description],
    // Electron's own needs come first: this list replaces electron-builder's. The guest kernel is compiled: no gcc, no
    // wabt.
    depends: [
      'libc6',
      'libasound2',
      'libgbm1',
      'libgtk-3-0',
      'libnotify4',
      'libnss3',
      'libxss1',
      'libxtst6',
      'xdg-utils',
      'libatspi2.0-0',
      'libuuid1',
      'libsecret-1-0',
      'qemu-system-x86',
      'libvirt-daemon-system',
      'libvirt-daemon-driver-qemu',
    ],
  },
};
