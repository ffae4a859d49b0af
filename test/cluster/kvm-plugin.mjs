// A device plugin that offers this machine's /dev/kvm to pods, as KubeVirt's does: the kubelet's gRPC interface over a
// socket. Source: k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1/api.proto; gRPC over HTTP/2 (PROTOCOL-HTTP2.md).
import { connect, createServer } from 'node:http2';
import { createConnection } from 'node:net';
import { join } from 'node:path';

const pluginDir = '/var/lib/kubelet/device-plugins';
const endpoint = 'kvm.sock';
export const kvmResource = 'devices.kubevirt.io/kvm';

/** A field of bytes or text in protobuf's form. All messages here are shorter than 128 bytes. */
const field = (number, content) => {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
};
const message = (...fields) => Buffer.concat(fields);
const frame = (bytes) => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
};

const devices = message(
  ...['kvm0', 'kvm1', 'kvm2', 'kvm3'].map((id) => field(1, message(field(1, id), field(2, 'Healthy')))),
);
const device = message(field(1, '/dev/kvm'), field(2, '/dev/kvm'), field(3, 'rw'));

function answer(stream, headers) {
  const method = headers[':path'].split('/').at(-1);
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.on('error', () => undefined);
  stream.resume();
  if (method === 'ListAndWatch') {
    // The list does not change; the stream stays open for as long as the kubelet wants it.
    stream.write(frame(devices));
    return;
  }
  // One container asks at a time.
  const allocated = message(field(1, field(3, device)));
  stream.end(frame(method === 'Allocate' ? allocated : Buffer.alloc(0)));
}

/** Serves the plugin and registers it. Errors: throws when the kubelet refuses it. */
export async function offerKvm() {
  const server = createServer();
  server.on('stream', answer);
  server.listen(join(pluginDir, endpoint));
  await new Promise((resolve) => server.once('listening', resolve));
  const session = connect('http://localhost', {
    createConnection: () => createConnection(join(pluginDir, 'kubelet.sock')),
  });
  try {
    const call = session.request({
      ':method': 'POST',
      ':path': '/v1beta1.Registration/Register',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const registration = message(field(1, 'v1beta1'), field(2, endpoint), field(3, kvmResource));
    call.end(frame(registration));
    call.resume();
    await new Promise((resolve, reject) => {
      session.once('error', reject);
      call.once('error', reject);
      const check = (headers) => {
        if (headers['grpc-status'] === '0') resolve();
        else if (headers['grpc-status'] !== undefined) reject(new Error(`The kubelet: ${headers['grpc-message']}`));
      };
      call.once('response', check);
      call.once('trailers', check);
    });
  } finally {
    session.close();
  }
}
