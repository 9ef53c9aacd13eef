import { existsSync } from 'node:fs'
import { readNatsVersion } from '@sluice/local'

/** Returns the path of the distribution's nats-server where that is older than 2.10, whose streams a power cut can leave broken. */
export async function oldNatsServer(): Promise<string | undefined> {
  if (!existsSync(DISTRIBUTIONS)) return undefined
  const version = await readNatsVersion(DISTRIBUTIONS)
  return version !== undefined && version.major === 2 && version.minor < 10 ? DISTRIBUTIONS : undefined
}

/** Where the package of Debian and Ubuntu has it. */
const DISTRIBUTIONS = '/usr/sbin/nats-server'
