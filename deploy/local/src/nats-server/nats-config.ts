import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { isNewEnough, type NatsVersion } from './version.ts'

/** The configuration that the embedded start shares with every other deployment; it includes jetstream.conf and tls.conf beside it. */
export const natsConfigFile = resolve(import.meta.dirname, '../../../nats/nats.conf')

/** How often nats-server forces what it stored to the disk: before each confirmation, or after this many milliseconds. */
export type SyncInterval = 'always' | number

/** What a server does that is not configured otherwise, and always does before 2.10: two minutes. */
export const SERVER_DEFAULT_SYNC_MS = 120_000

/** `always`, or a duration of one unit: `500ms`, `1s`, `2m`. */
export const SYNC_INTERVAL_PATTERN = '^(always|[1-9]\\d*(ms|s|m))$'

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 }

/** @param text matches `SYNC_INTERVAL_PATTERN` */
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
  /** Holds the files; is made when it is not there. */
  readonly folder: string
  /** Of the server that will read them: one before 2.10 does not start with `sync_interval`. */
  readonly version: NatsVersion | undefined
  readonly syncInterval: SyncInterval
  /** Stands in tls.conf's place, in nats-server's own format. */
  readonly tlsConfig?: string
}

/** Writes the project's nats.conf into `folder`, with its jetstream.conf for this server, and returns its path. */
export async function writeNatsConfig({ folder, version, syncInterval, ...more }: NatsConfigOptions): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, 'nats.conf')
  await copyFile(natsConfigFile, file)
  await writeFile(join(folder, 'jetstream.conf'), jetstreamConfig(syncInterval, version))
  if (more.tlsConfig === undefined) await copyFile(join(dirname(natsConfigFile), 'tls.conf'), join(folder, 'tls.conf'))
  else await writeFile(join(folder, 'tls.conf'), more.tlsConfig)
  return file
}

/** Returns what jetstream.conf holds; deploy/nats/jetstream.conf says why. */
export function jetstreamConfig(syncInterval: SyncInterval, version: NatsVersion | undefined): string {
  // Bare, the server would read 2m as two million.
  const interval = syncInterval === 'always' ? 'always' : `"${syncInterval}ms"`
  const sync = isNewEnough(version) ? `  sync_interval: ${interval}\n` : ''
  return `jetstream {\n${sync}  max_file_store: 1TB\n}\n`
}
