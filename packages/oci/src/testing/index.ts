export { elfHead, makeLayout } from './make-layout.ts';
