import { ensurePasswords } from '../password-file.ts'

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

/**
 * Returns the users' passwords, from the file at `path`, which has a line `NATS_<USER>_PASSWORD=…` for each. Those that are missing are
 * generated and added.
 */
export async function ensureNatsPasswords(path: string): Promise<NatsPasswords> {
  const passwords = await ensurePasswords(path, NATS_USERS.map(passwordVariable))
  const entries = NATS_USERS.map((user) => [user, passwords[passwordVariable(user)]])
  return Object.fromEntries(entries) as NatsPasswords
}

/** What `nats.conf` reads them from. */
export function passwordEnvironment(passwords: NatsPasswords): Record<string, string> {
  return Object.fromEntries(NATS_USERS.map((user) => [passwordVariable(user), passwords[user]]))
}

function passwordVariable(user: NatsUser): string {
  return `NATS_${user.toUpperCase()}_PASSWORD`
}
