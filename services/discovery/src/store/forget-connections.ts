import { pause } from '@sluice/service-kit'
import type { LimitProjection, LimitStore } from '../ports.ts'

export interface ForgetConnectionsOptions {
  readonly store: Pick<LimitStore, 'forget'>
  readonly projection: LimitProjection
  /** Told when it failed; it is tried again after a pause. */
  readonly onFault: (error: unknown) => void
}

export interface ForgetConnections {
  /** Has everything about the connection erased, however often it is called and as long as it takes. */
  forget(connectionId: string): void
  /** Resolves when what is under way has settled; what is left is found at the next start. */
  stop(): Promise<void>
}

/** Erases what is known of deleted connections, many at a time. */
export function forgetConnections({ store, projection, onFault }: ForgetConnectionsOptions): ForgetConnections {
  const pending = new Set<string>()
  const stopping = new AbortController()
  let running: Promise<void> | undefined

  const run = async (): Promise<void> => {
    while (pending.size > 0 && !stopping.signal.aborted) {
      const connectionIds = [...pending].slice(0, BATCH_CONNECTIONS)
      for (const id of connectionIds) pending.delete(id)
      try {
        await store.forget(connectionIds)
        await projection.refresh(connectionIds)
      } catch (error) {
        for (const id of connectionIds) pending.add(id)
        onFault(error)
        await pause(RETRY_MS, stopping.signal)
      }
    }
    running = undefined
  }

  return {
    forget: (connectionId) => {
      pending.add(connectionId)
      running ??= run()
    },
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}

const BATCH_CONNECTIONS = 200
const RETRY_MS = 2_000
