import { apiKeysUsed } from '@sluice/contracts'
import { type Bus, type Served, subscribeEvent } from '@sluice/messaging'
import type { Logger } from '@sluice/service-kit'
import type { KeyUseRecorder } from '../application/key-use-recorder.ts'

/**
 * Hears of each request that gateways report, for when an API key was used last. It listens as others do, past the stream: what is
 * published while nobody listens is missed, which a hint may miss.
 */
export function followKeyUse(bus: Bus, recorder: KeyUseRecorder, logger: Logger): Served {
  const unsubscribe = subscribeEvent(
    bus,
    apiKeysUsed,
    ({ events }) => {
      for (const { apiKeyId, startedAtMs } of events) recorder.note(apiKeyId, startedAtMs)
    },
    (subject) => logger.debug({ subject }, 'passed over what is no batch of response events'),
  )
  let writing = Promise.resolve()
  const timer = setInterval(() => {
    writing = writing.then(() => recorder.write())
  }, WRITE_INTERVAL_MS)
  return {
    stop: async () => {
      unsubscribe()
      clearInterval(timer)
      await writing
      await recorder.write()
    },
  }
}

const WRITE_INTERVAL_MS = 2_000
