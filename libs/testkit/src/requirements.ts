import { existsSync } from 'node:fs'
import { readNatsVersion } from '@sluice/local-servers'
import { it, type TestContext } from 'vitest'

/**
 * Defines a test that can run only when `condition` holds. Elsewhere it is skipped and the reason is printed: a bare count of skipped
 * tests explains nothing.
 */
export function itWhere(
  condition: boolean,
  reason: string,
  name: string,
  test: (context: TestContext) => Promise<void> | void,
  timeoutMs?: number,
): void {
  if (!condition) process.stdout.write(`skipped "${name}": ${reason}\n`)
  it.runIf(condition)(name, test, timeoutMs)
}

/** Where the package of Debian and Ubuntu has nats-server. */
const DISTRIBUTION_NATS_SERVER = '/usr/sbin/nats-server'

/** Returns the path of the distribution's nats-server if it is older than 2.10: a power cut can break its streams. */
export async function oldNatsServer(): Promise<string | undefined> {
  if (!existsSync(DISTRIBUTION_NATS_SERVER)) return undefined
  const version = await readNatsVersion(DISTRIBUTION_NATS_SERVER)
  return version !== undefined && version.major === 2 && version.minor < 10 ? DISTRIBUTION_NATS_SERVER : undefined
}
