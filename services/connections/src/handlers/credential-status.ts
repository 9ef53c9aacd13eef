import { credentialStatus } from '@sluice/contracts'
import { type Bus, type Served, subscribeEvent } from '@sluice/messaging'
import { validate as isUuid } from 'uuid'
import { type NoteDeps, noteCredentialStatus } from '../application/note-credential-status.ts'

/**
 * Hears from gateways whether providers take the connections' credentials, and tells of each change. A report that is missed, or cannot be stored, comes
 * again while requests are sent. Every instance hears it; the one that stores it first tells of it.
 */
export function followCredentialStatus(bus: Bus, deps: NoteDeps): Served {
  const { logger } = deps
  let underWay = Promise.resolve()
  let waiting = 0
  const unsubscribe = subscribeEvent(
    bus,
    credentialStatus,
    (outcome) => {
      if (!isUuid(outcome.connectionId) || waiting >= MAX_WAITING) return
      waiting++
      underWay = underWay
        .then(() => noteCredentialStatus(deps, outcome))
        .catch((err: unknown) => logger.warn({ err }, "a credential's status could not be stored"))
        .finally(() => {
          waiting--
        })
    },
    (subject) => logger.debug({ subject }, 'passed over what is no report on a credential'),
  )
  return {
    stop: async () => {
      unsubscribe()
      await underWay
    },
  }
}

/** While PostgreSQL is slow; each report comes again. */
const MAX_WAITING = 1_000
