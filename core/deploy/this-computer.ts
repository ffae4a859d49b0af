import { hostname, userInfo } from 'node:os';

/** This computer and its user, as others see who deploys. */
export const thisComputer = (): string => `${userInfo().username}@${hostname()}`;
