import { pause } from '@sluice/service-kit'
import type { LimitProjection, LimitStore } from '../ports.ts'

export interface ForgetConnectionsOptions {
  readonly store: Pick<LimitStore, 'forget'>
  readonly projection: LimitProjection
  /** Called when erasing failed; it is retried after a pause. */
  readonly onFault: (error: unknown) => void
}

export interface ForgetConnections {
  /** Erases everything about the connection, retrying until it succeeds. May be called any number of times. */
  forget(connectionId: string): void
  /** Resolves when the current batch is done; the others are found at the next start. */
  stop(): Promise<void>
}

/** Erases the limits of deleted connections, many at a time. */
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
