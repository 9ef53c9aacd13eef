import type { NatsServerOptions } from './nats-server/start.ts'
import type { PostgresOptions } from './postgres/start.ts'

/** What a keeper is told, as JSON in its first argument; `port` 0 takes a free one. Passwords are in its environment. */
export type KeeperOptions = { readonly minLevel: number } & (
  | ({ readonly server: 'nats' } & Omit<NatsServerOptions, 'log' | 'env'>)
  | ({ readonly server: 'postgres' } & Omit<PostgresOptions, 'log'>)
)

/** The same before it is known which port the server gets. */
export type ServerToKeep = WithoutPort<KeeperOptions>
type WithoutPort<Options> = Options extends unknown ? Omit<Options, 'port'> : never
