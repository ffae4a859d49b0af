import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { frameTypes, guestErrorCodes, maxBodyBytes, protocolVersion } from './channel.ts';
import {
  configBase,
  configMagic,
  configVersion,
  invokePortName,
  largePageBytes,
  linearBase,
  linearEnd,
  linearPageBytes,
  markNames,
  pageDirectory,
  reservePages,
  vsockPorts,
} from './layout.ts';

const read = (file: string) => readFileSync(new URL(`../../../guest/${file}`, import.meta.url), 'utf8');

function define(source: string, name: string): number {
  const text = new RegExp(`#define ${name} (.+)`).exec(source)?.[1];
  if (text === undefined || !/^[\dxa-f()*+ ]+$/i.test(text)) throw new Error(`${name} is not in the header`);
  return Function(`return ${text}`)();
}

function names(source: string, enumName: string): string[] {
  const body = new RegExp(`enum ${enumName} \\{([^}]*)\\}`).exec(source)?.[1] ?? '';
  return body
    .split(',')
    .map((entry) => entry.replace(/=.*/, '').trim())
    .filter((entry) => entry !== '');
}

it('agrees with the guest on addresses', () => {
  const layout = read('boot/layout.h');
  expect(define(layout, 'EMBER_CONFIG_BASE')).toBe(configBase);
  expect(define(layout, 'EMBER_LINEAR_BASE')).toBe(linearBase);
  expect(define(layout, 'EMBER_LINEAR_END')).toBe(linearEnd);
  expect(define(layout, 'EMBER_PAGE_DIRECTORY')).toBe(pageDirectory);
  expect(define(layout, 'EMBER_LARGE_PAGE')).toBe(largePageBytes);
  expect(define(layout, 'EMBER_LINEAR_PAGE')).toBe(linearPageBytes);
  expect(define(layout, 'EMBER_CONFIG_MAGIC')).toBe(configMagic);
  expect(define(layout, 'EMBER_CONFIG_VERSION')).toBe(configVersion);
  expect(define(layout, 'EMBER_RESERVE_PAGES')).toBe(reservePages);
});

it('agrees with the guest on the protocol', () => {
  const frames = read('rt/frames.h');
  expect(define(frames, 'PROTOCOL_VERSION')).toBe(protocolVersion);
  expect(define(frames, 'MAX_BODY')).toBe(maxBodyBytes);
  expect(names(frames, 'frame_type')).toEqual(Object.keys(frameTypes).map((name) => `FRAME_${name.toUpperCase()}`));
  expect(names(frames, 'error_code')).toEqual(guestErrorCodes.map((name) => `ERROR_${name.replace('FUNCTION_', '')}`));
  expect(read('dev/virtio-serial.c')).toContain(`"${invokePortName}"`);
  expect(define(read('dev/vsock.h'), 'VSOCK_PORT_INVOCATIONS')).toBe(vsockPorts.invocations);
  expect(define(read('dev/vsock.h'), 'VSOCK_PORT_CONSOLE')).toBe(vsockPorts.console);
});

it('agrees with the guest on marks', () => {
  const marks = names(read('boot/marks.h'), 'mark').filter((name) => name !== 'MARK_COUNT');
  expect(marks).toEqual(markNames.map((name) => `MARK_${name.toUpperCase()}`));
});
