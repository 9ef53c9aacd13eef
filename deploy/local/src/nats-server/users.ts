import { randomBytes } from 'node:crypto'
import { chmod, rename, writeFile } from 'node:fs/promises'
import { parseEnv } from 'node:util'
import { readOptional } from '../read-optional.ts'

/** The users of `deploy/nats/nats.conf`: the services, internal systems, and the people who run NATS. */
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

const PASSWORD_BYTES = 24

/**
 * The users' passwords, from the file at `path`, which has a line `NATS_<USER>_PASSWORD=…` for each. Those that are missing are
 * generated and added; the file is for its owner alone (mode 0600).
 */
export async function ensureNatsPasswords(path: string): Promise<NatsPasswords> {
  const stored = parseEnv((await readOptional(path)) ?? '')
  const entries = NATS_USERS.map((user) => [user, stored[passwordVariable(user)] ?? generatePassword()] as const)
  const passwords = Object.fromEntries(entries) as Record<NatsUser, string>
  const environment = passwordEnvironment(passwords)
  if (NATS_USERS.some((user) => stored[passwordVariable(user)] === undefined)) {
    const lines = Object.entries(environment).map(([name, value]) => `${name}=${value}\n`)
    // A crash half-way must not leave half a file.
    await writeFile(`${path}.draft`, lines.join(''), { mode: 0o600, flush: true })
    await rename(`${path}.draft`, path)
  }
  // Whoever edited it or brought it back may have opened it to others.
  await chmod(path, 0o600)
  return passwords
}

/** What `nats.conf` reads them from. */
export function passwordEnvironment(passwords: NatsPasswords): Record<string, string> {
  return Object.fromEntries(NATS_USERS.map((user) => [passwordVariable(user), passwords[user]]))
}

/** One password that a configuration file can hold unquoted: nats-server takes what begins with a digit for a number. */
export function generatePassword(): string {
  return `n${randomBytes(PASSWORD_BYTES).toString('base64url')}`
}

function passwordVariable(user: NatsUser): string {
  return `NATS_${user.toUpperCase()}_PASSWORD`
}
