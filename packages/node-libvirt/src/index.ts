export type { CallOptions, CallTiming } from './call-options.ts';
export {
  type Connection,
  type ConnectionEvents,
  type ConnectOptions,
  connect,
  type ListOptions,
  type NodeInfo,
  type Subscription,
  type Version,
} from './connection.ts';
export { type Domain, type DomainStateInfo, describeState, type MetadataOptions, type StartOptions } from './domain.ts';
export {
  type ConnectionErrorReason,
  LibvirtConnectionError,
  LibvirtError,
  LibvirtProtocolError,
  LibvirtTimeoutError,
} from './errors.ts';
export type {
  AgentLifecycleEvent,
  DeviceRemovedEvent,
  EventKind,
  EventMap,
  IoErrorEvent,
  LifecycleEvent,
  LifecycleName,
  MetadataChangeEvent,
  MonitorEvent,
  WatchdogEvent,
} from './events.ts';
export type { KeepaliveOptions } from './keepalive.ts';
export { isNotFound, isOperationInvalid } from './names.ts';
export { protocolSource } from './protocol.gen.ts';
export type { ReconnectOptions } from './session-keeper.ts';
export { spawnAlone } from './spawn-alone.ts';
export { type SshTarget, sshTransport } from './spawn-ssh.ts';
export { type DomainStats, listOf, type StatsOptions } from './stats.ts';
export type { StoragePool, StorageVolume } from './storage.ts';
export type { LibvirtStream } from './stream.ts';
export { type TlsTarget, tlsTransport } from './tls-transport.ts';
export { type TcpAddress, type Transport, unixTransport } from './transport.ts';
export type { Params, ParamValue } from './typed-params.ts';
