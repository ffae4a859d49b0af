import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { socketPathsIn } from '../socket-dir.ts';
import { writeRestorable } from './saved-domain.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fl-domain-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const xml = `<domain type='kvm'>
  <name>firstlight-old</name>
  <uuid>11111111-0000-4000-8000-000000000000</uuid>
  <title>Firstlight: old</title>
  <metadata>
    <firstlight:instance id="old"/>
  </metadata>
  <devices><serial type='unix'><source mode='bind' path='/run/old/serial.sock'/></serial>
  <channel type='unix'><source mode='bind' path="/run/old/channel.sock"/><alias name='channel0'/></channel></devices>
</domain>`;
const cookie = '<cookie><cpu/></cookie>';
const stream = Buffer.alloc(3 * 1024 * 1024, 'QEVM');

function savedFile(magic = 'LibvirtQemudSave', version = 2, hasCookie = true): Buffer {
  const data = Buffer.from(`${xml}\0${hasCookie ? `${cookie}\0` : ''}`.padEnd(4096, '\0'));
  const header = Buffer.alloc(92);
  header.write(magic);
  const words = [version, data.length, 1, 0, hasCookie ? xml.length + 1 : 0];
  for (const [i, word] of words.entries()) header.writeUInt32LE(word, 16 + 4 * i);
  return Buffer.concat([header, data, stream]);
}

const domain = {
  name: 'firstlight-new',
  uuid: '22222222-0000-4000-8000-000000000000',
  title: 'Firstlight: a $& <b>',
  metadataXml: '<firstlight:instance id="new"/>',
  sockets: socketPathsIn('/run/new'),
};

it.each([true, false])(
  'gives a saved domain an identity of its own, and leaves the rest (cookie: %s)',
  async (hasCookie) => {
    writeFileSync(join(dir, 'domain'), savedFile(undefined, undefined, hasCookie));
    const to = join(dir, 'restored');
    await writeRestorable(join(dir, 'domain'), to, domain);
    expect(statSync(to).mode & 0o777).toBe(0o600);
    const written = readFileSync(to);
    const length = written.readUInt32LE(20);
    const cookieAt = written.readUInt32LE(32);
    const data = written.subarray(92, 92 + length);
    const text = data.toString('utf8', 0, data.indexOf(0));
    expect(text).toBe(
      xml
        .replaceAll('firstlight-old', 'firstlight-new')
        .replace('11111111', '22222222')
        .replace('Firstlight: old', () => 'Firstlight: a $&amp; &lt;b&gt;')
        .replace(/<metadata>[\s\S]*<.metadata>/, `<metadata>${domain.metadataXml}</metadata>`)
        .replaceAll('/run/old/', '/run/new/'),
    );
    if (hasCookie) expect(data.toString('utf8', cookieAt, data.indexOf(0, cookieAt))).toBe(cookie);
    else expect(cookieAt).toBe(0);
    expect(written.subarray(92 + length).equals(stream)).toBe(true);
  },
);

it.each([
  ['another magic', savedFile('LibvirtQemudPart')],
  ['another version', savedFile(undefined, 3)],
  ['half a header', savedFile().subarray(0, 50)],
  ['half its XML', savedFile().subarray(0, 300)],
])('refuses a file with %s, and leaves nothing', async (_, bytes) => {
  writeFileSync(join(dir, 'domain'), bytes);
  const to = join(dir, 'restored');
  await expect(writeRestorable(join(dir, 'domain'), to, domain)).rejects.toMatchObject({ code: 'BOOT_FAILED' });
  expect(existsSync(to)).toBe(false);
});
