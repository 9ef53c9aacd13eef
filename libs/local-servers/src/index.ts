export { freePort } from './free-port.ts'
export { type LocatedNatsServer, locateNatsServer } from './nats/locate.ts'
export {
  effectiveSyncInterval,
  ensureNatsPasswords,
  generateNatsPasswords,
  jetstreamConfig,
  NATS_USERS,
  type NatsPasswords,
  type NatsUser,
  parseSyncInterval,
  passwordEnvironment,
  SERVER_DEFAULT_SYNC_MS,
  SYNC_INTERVAL_PATTERN,
  type SyncInterval,
  syncIntervalMs,
  writeNatsConfig,
} from './nats/nats-config.ts'
export { type NatsServer, type NatsServerOptions, startNatsServer } from './nats/nats-server.ts'
export { isNewEnough, type NatsVersion, parseNatsVersion, readNatsVersion, versionText } from './nats/version.ts'
export { generatePassword } from './passwords.ts'
export { type Postgres, type PostgresOptions, startPostgres } from './postgres/postgres-server.ts'
export {
  createRoles,
  DATABASE_SERVICES,
  type DatabaseService,
  type DatabaseUrls,
  ensureRolePasswords,
  forEachService,
  inDatabase,
  prepareDatabase,
  type RolePasswords,
  roleOf,
  roleUrls,
  setRolePasswords,
} from './postgres/roles.ts'
export {
  commandLine,
  endProcess,
  identifyProcess,
  isRunning,
  type ProcessIdentity,
  processOfPidFile,
} from './process-identity.ts'
export { readOptional } from './read-optional.ts'
export type { Log, RunningServer } from './server-process.ts'
export { type ServiceCommand, type ServiceProcess, startServiceProcess } from './service-process.ts'
export { isPortTaken, reasonOf, ServerStartError, StartError, type StartErrorCode } from './start-error.ts'
