import { LibvirtConnectionError, LibvirtError, LibvirtTimeoutError } from 'node-libvirt';
import { describe, expect, it } from 'vitest';
import { FirstlightError } from '#shared/errors.ts';
import { chooseUri } from './choose-uri.ts';
import { fromLibvirt } from './to-firstlight-error.ts';

const daemonError = (message: string, codeName = 'VIR_ERR_INTERNAL_ERROR') =>
  new LibvirtError({
    code: 1,
    codeName,
    domain: 10,
    domainName: 'VIR_FROM_QEMU',
    level: 2,
    message,
    call: 'domainCreateXml',
  });

describe('fromLibvirt', () => {
  it.each([
    ['no-daemon', 'LIBVIRT_UNREACHABLE'],
    ['permission-denied', 'LIBVIRT_DENIED'],
    ['disconnected', 'LIBVIRT_LOST'],
    ['keepalive-timeout', 'LIBVIRT_LOST'],
    ['bad-uri', 'BAD_INPUT'],
  ] as const)('reports a connection that is %s as %s, with a hint', (reason, code) => {
    const error = fromLibvirt(new LibvirtConnectionError(reason, 'why', { socketPath: '/s' }), 'start hello');
    expect(error).toMatchObject({ code, details: { subject: '/s' } });
    expect(error.message).toContain('start hello');
    expect(error.hint).toBeTruthy();
  });

  it.each([
    ['/var/run/libvirt/libvirt-sock', true],
    ['/run/libvirt/virtqemud-sock', true],
    ['/home/me/other/libvirt-sock', false],
  ])('says how to start the daemon of %s: by this machine’s commands %s', (socketPath, isOurs) => {
    const { hint } = fromLibvirt(new LibvirtConnectionError('no-daemon', 'why', { socketPath }), 'start hello');
    expect([hint?.includes('libvirtd -d'), hint?.includes('doctor --fix')]).toEqual([isOurs, isOurs]);
  });

  it.each([
    ['Domain not found', 'VIR_ERR_NO_DOMAIN', 'INSTANCE_LOST'],
    ['access denied by policy', 'VIR_ERR_ACCESS_DENIED', 'LIBVIRT_DENIED'],
    ['could not find capabilities for arch=x86_64 domaintype=kvm', undefined, 'ACCEL_UNUSABLE'],
    ['could not find capabilities for arch=x86_64 domaintype=qemu', undefined, 'QEMU_MISSING'],
    ["unsupported configuration: No emulator found for arch 'x86_64'", undefined, 'QEMU_MISSING'],
    ['internal error: Cannot find suitable emulator for x86_64', undefined, 'QEMU_MISSING'],
    ['no connection driver available for xen:///', 'VIR_ERR_NO_CONNECT', 'BAD_INPUT'],
    ['cannot write data: No space left on device', undefined, 'DISK_FULL'],
    ["Could not open '/img': Permission denied", undefined, 'LIBVIRT_FAILED'],
    ['anything else', undefined, 'LIBVIRT_FAILED'],
  ])('reports "%s" (%s) as %s, in the daemon’s own words', (message, codeName, code) => {
    const error = fromLibvirt(daemonError(message, codeName), 'start hello');
    expect(error.code).toBe(code);
    expect(error.details.output).toContain(message);
  });

  it('reports a time-out, and keeps our own errors', () => {
    expect(fromLibvirt(new LibvirtTimeoutError('domainCreateXml', 5), 'x').code).toBe('LIBVIRT_FAILED');
    const own = new FirstlightError('CANCELLED', 'Cancelled.');
    expect(fromLibvirt(own, 'x')).toBe(own);
  });
});

describe('chooseUri', () => {
  it('takes what was asked for, then the environment, then what fits the user', () => {
    expect(chooseUri('test:///default', { FIRSTLIGHT_URI: 'qemu:///system' }, 1000)).toBe('test:///default');
    expect(chooseUri(undefined, { FIRSTLIGHT_URI: 'qemu:///system' }, 1000)).toBe('qemu:///system');
    expect(chooseUri(undefined, {}, 1000)).toBe('qemu:///session');
    expect(chooseUri(undefined, {}, 0)).toBe('qemu:///system');
  });
});
