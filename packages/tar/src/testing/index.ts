export { makeTar, storedZstd, type TarInput } from './make-tar.ts';
