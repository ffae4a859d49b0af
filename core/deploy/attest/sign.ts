/** Signatures with a key file, as cosign has them. */
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import type { CosignDocument } from '@firstlight/oci';
import { FirstlightError } from '#shared/errors.ts';
import { readNamedFile } from '../read-named-file.ts';

/** The password of an encrypted key, as cosign takes it. */
const passwordVariable = 'COSIGN_PASSWORD';

/** The key in a PEM file: ECDSA on P-256, which is cosign's. Errors: NOT_FOUND; BAD_INPUT. */
export async function readSigningKey(path: string, env: NodeJS.ProcessEnv): Promise<KeyObject> {
  const text = await readNamedFile(path).catch((cause: unknown) => {
    throw new FirstlightError('NOT_FOUND', `The signing key ${path} cannot be read.`, {
      hint: 'Make one: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem',
      details: { subject: path },
      cause,
    });
  });
  if (/BEGIN ENCRYPTED (SIGSTORE|COSIGN) PRIVATE KEY/.test(text)) {
    throw badKey(path, 'is encrypted in cosign’s own way, which is not read', 'Export it as PKCS #8 (openssl pkcs8).');
  }
  const password = env[passwordVariable];
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: text, format: 'pem', ...(password !== undefined && { passphrase: password }) });
  } catch (cause) {
    throw badKey(
      path,
      'is no private key that can be used',
      `An encrypted one takes its password from ${passwordVariable}.`,
      cause,
    );
  }
  if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key;
  throw badKey(path, 'is of another kind than ECDSA on P-256', 'cosign verifies no other from a key file by default.');
}

const badKey = (path: string, why: string, hint: string, cause?: unknown) =>
  new FirstlightError('BAD_INPUT', `The signing key ${path} ${why}.`, { hint, details: { subject: path }, cause });

/** The signature of an image. Source: cosign, "Signature specification": simple signing. */
export function signImage(key: KeyObject, repository: string, digest: string): CosignDocument {
  const bytes = Buffer.from(
    JSON.stringify({
      critical: {
        identity: { 'docker-reference': repository },
        image: { 'docker-manifest-digest': digest },
        type: 'cosign container image signature',
      },
      optional: null,
    }),
  );
  const signature = sign('sha256', bytes, key).toString('base64');
  return { kind: 'signature', bytes, annotations: { 'dev.cosignproject.cosign/signature': signature } };
}

/** A statement in a signed envelope. Source: DSSE v1, whose signature covers type and payload with their lengths. */
export function signStatement(key: KeyObject, statement: object): object {
  const payloadType = 'application/vnd.in-toto+json';
  const payload = Buffer.from(JSON.stringify(statement));
  const signature = sign('sha256', encodeForSignature(payloadType, payload), key);
  return {
    payloadType,
    payload: payload.toString('base64'),
    signatures: [{ keyid: '', sig: signature.toString('base64') }],
  };
}

/** The bytes that a signature of an envelope covers. */
export const encodeForSignature = (type: string, payload: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `), payload]);
