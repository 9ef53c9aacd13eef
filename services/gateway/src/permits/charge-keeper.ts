import type { Permit } from '../ports.ts'

/** Holds the charge of a request that leaves over time, not in an instant: an upload, or a large body. */
export interface ChargeKeeper {
  /** Moves the charge to now a last time: nothing of the request can leave any more. Resolves when the permit can be settled. */
  end(): Promise<void>
}

/**
 * Moves the charge to now while the request leaves. The provider may count the request when its head comes or when it is whole: in
 * either case it is counted here from then on for a period.
 * @param goesOn called when the charge could not be moved for so long that it may soon count no more: whether the request goes on
 */
export function keepCharged(permit: Permit, goesOn: () => boolean): ChargeKeeper {
  let renewedAtMs = performance.now()
  let moving: Promise<unknown> | undefined
  let timer: NodeJS.Timeout | undefined
  let ended = false

  const move = async (): Promise<boolean> => {
    const atMs = performance.now()
    const isMoved = await permit.renew()
    if (isMoved) renewedAtMs = atMs
    return isMoved
  }
  const renewLater = (afterMs: number): void => {
    timer = setTimeout(() => {
      moving = move().then((isMoved) => {
        if (ended) return
        const isLapsing = performance.now() - renewedAtMs > LAPSES_AFTER_MS
        if (!isLapsing || goesOn()) renewLater(isMoved ? RENEW_AFTER_MS : AGAIN_MS)
      })
    }, afterMs)
    timer.unref()
  }
  renewLater(RENEW_AFTER_MS)

  const end = async (): Promise<void> => {
    clearTimeout(timer)
    await moving
    // Where it cannot be moved now, what may have arrived late is charged as soon as capacity is back.
    if (!(await move())) permit.chargeAgain()
  }
  let ending: Promise<void> | undefined
  return {
    end: () => {
      ended = true
      ending ??= end()
      return ending
    },
  }
}

/** A quarter of the shortest period. */
const RENEW_AFTER_MS = 15_000
/** Where capacity could not be asked. */
const AGAIN_MS = 2_000
/** Before the charge has slid out of the shortest window. */
const LAPSES_AFTER_MS = 45_000
