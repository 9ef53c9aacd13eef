import type { Bus } from '@sluice/messaging'
import type { Logger } from '@sluice/service-kit'
import type { Database } from '../database/database.ts'
import { createOutbox } from './outbox.ts'
import { openProjections, type Projections } from './projections.ts'

/** Publishes committed changes on the bus. */
export interface Publisher {
  /**
   * Publishes a change that was just committed. Resolves when it is published, or after a second; at once while the
   * bus is unreachable, when it is published later. Never rejects.
   * @param key the connection's id, or the API key's hash
   */
  published(key: string): Promise<void>
  /** Starts to publish, after the first connection to the bus. */
  begin(bus: Bus): void
  /** Resolves when the batch in progress is published. */
  stop(): Promise<void>
}

/**
 * Publishes the outbox after each change, and every second for changes that another instance committed before it
 * crashed. After each loss of the bus, each failure, and every few minutes, it also reconciles the projections as a
 * whole: they are right again whatever happened to the buckets meanwhile.
 */
export function createPublisher({
  database,
  logger,
}: {
  readonly database: Database
  readonly logger: Logger
}): Publisher {
  const outbox = createOutbox(database)
  const alarm = createAlarm()
  let isStopped = false
  let running: Promise<void> | undefined
  let isBusReachable = (): boolean => false
  const waiters = new Set<{ readonly key: string; readonly resolve: () => void }>()
  let projections: Projections | undefined
  let mustReconcile = true
  let reconcileAtMs = 0
  let reconciling: Promise<void> | undefined
  let isFailing = false
  const busyWarning = createBusyWarning(logger)

  /** Returns the projections, reconciled or being reconciled. */
  const reconciled = async (bus: Bus): Promise<Projections> => {
    const isDue = performance.now() > reconcileAtMs
    if (projections !== undefined && !mustReconcile && !isDue) return projections
    projections?.stop()
    projections = undefined
    await reconciling
    const isAfterLoss = mustReconcile
    mustReconcile = false // Cleared first: a change meanwhile requires another reconciliation.
    const opened = await openProjections(bus, database, { onFault: failed, onUnreadable })
    projections = opened
    reconcileAtMs = performance.now() + (isAfterLoss ? RECONCILE_AFTER_LOSS_MS : RECONCILE_MS)
    // Not awaited: no revocation waits for it.
    reconciling = opened.reconcile().then(() => logger.debug('the projections are reconciled'), failed)
    return opened
  }

  /** Publishes the outbox and returns when to look again, in milliseconds. */
  const publish = async (bus: Bus): Promise<number> => {
    const { publish: publishEntries } = await reconciled(bus)
    // A later waiter may have committed too late for this drain. Every entry of a key publishes the key's state at
    // that time.
    const before = [...waiters]
    const outcome = await outbox.drain(async (entries) => {
      const keys = new Set(
        entries.map((entry) => (entry.kind === 'connection' ? entry.change.connectionId : entry.hash)),
      )
      const served = [...waiters].filter(({ key }) => keys.has(key))
      await publishEntries(entries)
      for (const { resolve } of served) resolve()
    })
    // Another instance may have published the others.
    if (outcome === 'drained') for (const { resolve } of before) resolve()
    busyWarning.note(outcome === 'busy')
    return outcome === 'busy' ? BUSY_RETRY_MS : POLL_MS
  }

  const onUnreadable = (err: unknown): void => {
    logger.warn({ err }, 'someone else wrote to a projection; the entry is restored')
  }

  const failed = (error: unknown): void => {
    mustReconcile = true
    if (!isFailing && !isStopped) logger.warn({ err: error }, 'changes cannot be published; trying again')
    isFailing = true
  }

  const run = async (bus: Bus): Promise<void> => {
    while (!isStopped) {
      let waitMs = POLL_MS
      if (bus.isConnected()) {
        try {
          waitMs = await publish(bus)
          if (isFailing && !mustReconcile) {
            logger.info('changes are published again')
            isFailing = false
          }
        } catch (error) {
          failed(error)
        }
      }
      await alarm.sleep(waitMs)
    }
  }

  return {
    published: async (key) => {
      if (!isBusReachable()) return alarm.wake()
      const { promise, resolve } = Promise.withResolvers<void>()
      const waiter = { key, resolve }
      const timer = setTimeout(resolve, PUBLISHED_WITHIN_MS)
      waiters.add(waiter)
      alarm.wake()
      await promise
      clearTimeout(timer)
      waiters.delete(waiter)
    },
    begin: (bus) => {
      isBusReachable = () => !isStopped && bus.isConnected()
      bus.onReconnect(() => {
        mustReconcile = true
        alarm.wake()
      })
      running = run(bus)
    },
    stop: async () => {
      isStopped = true
      alarm.wake()
      await running
      projections?.stop()
      await reconciling
    },
  }
}

/** Warns when another instance holds the outbox for long: one that hangs with the lock delays every revocation. */
function createBusyWarning(logger: Logger) {
  let busySinceMs: number | undefined
  let isWarned = false
  return {
    note: (isBusy: boolean): void => {
      if (!isBusy) {
        if (isWarned) logger.info('changes can be published again: the outbox is free')
        busySinceMs = undefined
        isWarned = false
        return
      }
      busySinceMs ??= performance.now()
      const busyMs = Math.round(performance.now() - busySinceMs)
      if (isWarned || busyMs < BUSY_WARNING_MS) return
      isWarned = true
      logger.warn(
        { busyMs },
        'another session holds the lock of the outbox: no change is published, revocations included, unless that session does it',
      )
    },
  }
}

/**
 * Lets one loop sleep until it is woken: `sleep` ends after `ms`, or at once if `wake` was called since the last
 * sleep.
 */
function createAlarm() {
  let isAwake = false
  let resolveSleep: (() => void) | undefined
  return {
    wake: (): void => {
      isAwake = true
      resolveSleep?.()
    },
    sleep: async (ms: number): Promise<void> => {
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

/** The longest that an admin request waits for its change to be published. */
const PUBLISHED_WITHIN_MS = 1_000
const POLL_MS = 1_000
const BUSY_RETRY_MS = 50
/** A batch takes tens of milliseconds, and thousands of changes a few seconds. */
const BUSY_WARNING_MS = 5_000
const RECONCILE_MS = 5 * 60_000
/**
 * Watchers of a bucket forget its lost entries at the first reconciliation after they have reconnected, which may be
 * after ours.
 */
const RECONCILE_AFTER_LOSS_MS = 30_000
