export { AdminApiError, type AdminClient, adminClient } from './admin-client.ts'
export { type LocalSettings, readSettings } from './config.ts'
export { gatewayKnows } from './gateway-knows.ts'
export { inheritedEnvironment } from './inherited-environment.ts'
export type { Log, ProcessLog } from './log.ts'
export { type LocatedNatsServer, locateNatsServer } from './nats-server/locate.ts'
export {
  effectiveSyncInterval,
  jetstreamConfig,
  parseSyncInterval,
  SERVER_DEFAULT_SYNC_MS,
  type SyncInterval,
  writeNatsConfig,
} from './nats-server/nats-config.ts'
export { type NatsServer, type NatsServerOptions, startNatsServer } from './nats-server/start.ts'
export {
  ensureNatsPasswords,
  NATS_USERS,
  type NatsPasswords,
  type NatsUser,
  passwordEnvironment,
} from './nats-server/users.ts'
export { type NatsVersion, parseNatsVersion, readNatsVersion } from './nats-server/version.ts'
export { generatePassword } from './password-file.ts'
export { freePort } from './ports.ts'
export {
  createRoles,
  DATABASE_SERVICES,
  type DatabaseService,
  type DatabaseUrls,
  forEachService,
  inDatabase,
  prepareDatabase,
  type RolePasswords,
  roleOf,
  roleUrls,
  setRolePasswords,
} from './postgres/roles.ts'
export { type Postgres, type PostgresOptions, startPostgres } from './postgres/start.ts'
export { createPrefixedLog, type PrefixedLogOptions } from './prefixed-log.ts'
export { commandLine, endProcess, identifyProcess, isRunning, type ProcessIdentity } from './process-identity.ts'
export { type ExtraEnvironment, nodeOptionsOf } from './process-specs.ts'
export { ServerStartError } from './server-process.ts'
export { type Stack, type StackOptions, startStack } from './stack.ts'
export { binDir, type ServiceName } from './stack-paths.ts'
export { StartError, type StartErrorCode } from './start-error.ts'
export { onStopSignals } from './stop-signals.ts'
export { until } from './until.ts'
