import type { Bus } from '@sluice/messaging'
import type { Logger } from '@sluice/service-kit'
import type { Outbox } from './outbox.ts'
import { openProjections, type ProjectionSource, type Projections } from './projections.ts'

/** Lets one loop sleep until something happens. */
export interface WakeUp {
  wake(): void
  /** Resolves after `ms` milliseconds, or at once when `wake` is called, or was since the last sleep. */
  sleep(ms: number): Promise<void>
}

export function createWakeUp(): WakeUp {
  let isAwake = false
  let resolveSleep: (() => void) | undefined
  return {
    wake: () => {
      isAwake = true
      resolveSleep?.()
    },
    sleep: async (ms) => {
      if (!isAwake) {
        const { promise, resolve } = Promise.withResolvers<void>()
        resolveSleep = resolve
        const timer = setTimeout(resolve, ms)
        await promise
        clearTimeout(timer)
        resolveSleep = undefined
      }
      isAwake = false
    },
  }
}

export interface PublisherDeps {
  readonly outbox: Outbox
  readonly source: ProjectionSource
  readonly logger: Logger
}

/** Carries committed changes to the bus. */
export interface Publisher {
  /**
   * A change was committed: publishes it now. Resolves when it is published, or after a second, and at once while the bus is away: it is then
   * published later. Never rejects.
   * @param key the connection's id, or the API key's hash
   */
  published(key: string): Promise<void>
  /** The bus is there (for the first time): from now on, it is followed. */
  begin(bus: Bus): void
  /** Takes no further entry; resolves when the one at hand is published. */
  stop(): Promise<void>
}

/**
 * Publishes the outbox whenever it is nudged, and every second besides, for what another instance committed before it died. When the
 * bus is there again after a loss, after every failure, and every few minutes, the projections are reconciled as a whole beside that:
 * whatever happened to the buckets meanwhile, they are right again.
 */
export function createPublisher({ outbox, source, logger }: PublisherDeps): Publisher {
  const wakeUp = createWakeUp()
  let stopped = false
  let running: Promise<void> | undefined
  let isBusThere = (): boolean => false
  /** Those who wait for what was committed before they came. */
  const waiting = new Set<{ readonly key: string; readonly resolve: () => void }>()
  let projections: Projections | undefined
  let mustReconcile = true
  let reconcileAtMs = 0
  let reconciling: Promise<void> | undefined
  let isFailing = false
  let busySinceMs: number | undefined
  let isBusyForLong = false

  /** The projections, which are right as a whole, or will be in a moment. */
  const reconciled = async (bus: Bus): Promise<Projections> => {
    const isDue = performance.now() > reconcileAtMs
    if (projections !== undefined && !mustReconcile && !isDue) return projections
    projections?.stop()
    projections = undefined
    await reconciling
    const isAfterLoss = mustReconcile
    mustReconcile = false // Before it begins: what comes up meanwhile asks for another one.
    const opened = await openProjections(bus, source, { onFault: failed, onUnreadable })
    projections = opened
    reconcileAtMs = performance.now() + (isAfterLoss ? RECONCILE_AFTER_LOSS_MS : RECONCILE_MS)
    // Beside what is published meanwhile: no revocation waits for it.
    reconciling = opened.reconcile().then(() => logger.debug('projections are reconciled'), failed)
    return opened
  }

  const publish = async (bus: Bus): Promise<number> => {
    const { publish: publishEntries } = await reconciled(bus)
    // Who comes from now on may have committed too late for this drain. What is published of a key is as it is stored then.
    const before = [...waiting]
    const outcome = await outbox.drain(async (entries) => {
      const keys = new Set(
        entries.map((entry) => (entry.kind === 'connection' ? entry.change.connectionId : entry.hash)),
      )
      const served = [...waiting].filter(({ key }) => keys.has(key))
      await publishEntries(entries)
      for (const { resolve } of served) resolve()
    })
    // Another instance may have published it.
    if (outcome === 'drained') for (const { resolve } of before) resolve()
    noteBusy(outcome === 'busy')
    return outcome === 'busy' ? BUSY_RETRY_MS : POLL_MS
  }

  /** Another instance publishes what is there in moments; one that hangs with the lock holds up every revocation. */
  const noteBusy = (isBusy: boolean): void => {
    if (!isBusy) {
      if (isBusyForLong) logger.info('changes can be published again: the outbox is free')
      busySinceMs = undefined
      isBusyForLong = false
      return
    }
    busySinceMs ??= performance.now()
    if (isBusyForLong || performance.now() - busySinceMs < BUSY_FOR_LONG_MS) return
    isBusyForLong = true
    logger.warn(
      { busyMs: Math.round(performance.now() - busySinceMs) },
      'another session holds the lock of the outbox: no change is published, revocations included, unless that session does it',
    )
  }

  const onUnreadable = (err: unknown): void => {
    logger.warn({ err }, 'somebody else has written into a projection; it is put right')
  }

  const failed = (error: unknown): void => {
    mustReconcile = true
    // Told once: it goes on until what is away is back.
    if (!isFailing && !stopped) logger.warn({ err: error }, 'cannot publish changes for now')
    isFailing = true
  }

  const run = async (bus: Bus): Promise<void> => {
    while (!stopped) {
      let waitMs = POLL_MS
      if (bus.isConnected()) {
        try {
          waitMs = await publish(bus)
          if (isFailing && !mustReconcile) {
            logger.info('publishing changes again')
            isFailing = false
          }
        } catch (error) {
          failed(error)
        }
      }
      await wakeUp.sleep(waitMs)
    }
  }

  return {
    published: async (key) => {
      if (!isBusThere()) return wakeUp.wake()
      const { promise, resolve } = Promise.withResolvers<void>()
      const waiter = { key, resolve }
      const timer = setTimeout(resolve, PUBLISHED_WITHIN_MS)
      waiting.add(waiter)
      wakeUp.wake()
      await promise
      clearTimeout(timer)
      waiting.delete(waiter)
    },
    begin: (bus) => {
      isBusThere = () => !stopped && bus.isConnected()
      bus.onReconnect(() => {
        mustReconcile = true
        wakeUp.wake()
      })
      running = run(bus)
    },
    stop: async () => {
      stopped = true
      wakeUp.wake()
      await running
      projections?.stop()
      await reconciling
    },
  }
}

/** Whoever made a change waits no longer for the bus to know it. */
const PUBLISHED_WITHIN_MS = 1_000
const POLL_MS = 1_000
const BUSY_RETRY_MS = 50
/** A batch takes tens of milliseconds, and thousands of changes a few seconds. */
const BUSY_FOR_LONG_MS = 5_000
const RECONCILE_MS = 5 * 60_000
/** Those who follow a bucket forget what it has lost at the first reconciliation after they began again, which may be after our own. */
const RECONCILE_AFTER_LOSS_MS = 30_000
