import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { ensurePasswords, generatePassword, recordOf } from '../passwords.ts'
import { isNewEnough, type NatsVersion } from './version.ts'

/**
 * The configuration of NATS that every deployment of Sluice shares; it includes jetstream.conf and tls.conf beside it.
 */
export const natsConfigFile = resolve(import.meta.dirname, '../../../../deploy/nats/nats.conf')

/** The users of nats.conf: the services, internal systems, and the people who run NATS. */
export const NATS_USERS = [
  'connections',
  'capacity',
  'gateway',
  'discovery',
  'usage',
  'integration',
  'operator',
] as const
export type NatsUser = (typeof NATS_USERS)[number]

export type NatsPasswords = Readonly<Record<NatsUser, string>>

/**
 * Returns the users' passwords from the file at `path`, which has a line `NATS_<USER>_PASSWORD=…` for each; see
 * `ensurePasswords`.
 */
export async function ensureNatsPasswords(path: string): Promise<NatsPasswords> {
  const passwords = await ensurePasswords(path, NATS_USERS.map(passwordVariable))
  return recordOf(NATS_USERS, (user) => passwords[passwordVariable(user)])
}

/** Returns a new password for each user. */
export function generateNatsPasswords(): NatsPasswords {
  return recordOf(NATS_USERS, generatePassword)
}

/** Returns the environment variables from which nats.conf reads the passwords. */
export function passwordEnvironment(passwords: NatsPasswords): Record<string, string> {
  return Object.fromEntries(NATS_USERS.map((user) => [passwordVariable(user), passwords[user]]))
}

function passwordVariable<User extends NatsUser>(user: User): `NATS_${Uppercase<User>}_PASSWORD` {
  return `NATS_${user.toUpperCase() as Uppercase<User>}_PASSWORD`
}

/**
 * The interval at which nats-server syncs its data to the disk: before each confirmation, or after this many
 * milliseconds.
 */
export type SyncInterval = 'always' | number

/** The interval of a server that is not configured otherwise, and of every server before 2.10. */
export const SERVER_DEFAULT_SYNC_MS = 120_000

/** `always`, or a duration of one unit: `500ms`, `1s`, `2m`. */
export const SYNC_INTERVAL_PATTERN = '^(always|[1-9]\\d*(ms|s|m))$'

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 }

/**
 * @param text matches `SYNC_INTERVAL_PATTERN`
 * @throws RangeError when it does not
 */
export function parseSyncInterval(text: string): SyncInterval {
  if (text === 'always') return text
  const [, count, unit = ''] = /^(\d+)(ms|s|m)$/.exec(text) ?? []
  const unitMs = UNITS_MS[unit]
  if (unitMs === undefined) throw new RangeError(`not a sync interval: ${text}`)
  return Number(count) * unitMs
}

/** Returns the interval that a server of this version keeps when it is configured with `wanted`. */
export function effectiveSyncInterval(wanted: SyncInterval, version: NatsVersion | undefined): SyncInterval {
  return isNewEnough(version) ? wanted : SERVER_DEFAULT_SYNC_MS
}

/** Returns the interval in milliseconds, as services read it from `NATS_SYNC_INTERVAL_MS`; 0 stands for `always`. */
export function syncIntervalMs(interval: SyncInterval): number {
  return interval === 'always' ? 0 : interval
}

export interface NatsConfigOptions {
  /** Gets the files; is created when missing. */
  readonly folder: string
  /** Of the server that will read them: one before 2.10 does not start with `sync_interval`. */
  readonly version: NatsVersion | undefined
  readonly syncInterval: SyncInterval
  /** Replaces tls.conf, in nats-server's own format. */
  readonly tlsConfig?: string
}

/** Writes nats.conf into `folder`, with a jetstream.conf for this server, and returns its path. */
export async function writeNatsConfig({
  folder,
  version,
  syncInterval,
  tlsConfig,
}: NatsConfigOptions): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, 'nats.conf')
  await copyFile(natsConfigFile, file)
  await writeFile(join(folder, 'jetstream.conf'), jetstreamConfig(syncInterval, version))
  if (tlsConfig === undefined) await copyFile(join(dirname(natsConfigFile), 'tls.conf'), join(folder, 'tls.conf'))
  else await writeFile(join(folder, 'tls.conf'), tlsConfig)
  return file
}

/** Returns the content of jetstream.conf; deploy/nats/jetstream.conf explains it. */
export function jetstreamConfig(syncInterval: SyncInterval, version: NatsVersion | undefined): string {
  // Without the quotes, the server would read 2m as two million.
  const interval = syncInterval === 'always' ? 'always' : `"${syncInterval}ms"`
  const sync = isNewEnough(version) ? `  sync_interval: ${interval}\n` : ''
  return `jetstream {\n${sync}  max_file_store: 1TB\n}\n`
}
