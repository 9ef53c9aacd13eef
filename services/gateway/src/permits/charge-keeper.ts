import type { Permit } from './permit.ts'

/** Renews the charge of a request that takes long to send, such as an upload. */
export interface ChargeKeeper {
  /** Renews a last time, after the last byte was sent. Resolves when the permit can be settled. */
  end(): Promise<void>
}

/**
 * Renews the permit's charge while its request is being sent. The provider may count the request when its headers arrive or when its body is
 * complete: in both cases, the charge here lasts a period from then.
 * @param goesOn called when renewals have failed for so long that the charge may soon leave the window; returns whether the request goes on
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
        if (!isLapsing || goesOn()) renewLater(isMoved ? RENEW_AFTER_MS : RETRY_AFTER_MS)
      })
    }, afterMs)
    timer.unref()
  }
  renewLater(RENEW_AFTER_MS)

  const end = async (): Promise<void> => {
    clearTimeout(timer)
    await moving
    // The last bytes may have arrived long after the charge: charge the request once more as soon as capacity is available.
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
/** After a renewal that failed. */
const RETRY_AFTER_MS = 2_000
/** Before the charge has left the shortest window. */
const LAPSES_AFTER_MS = 45_000
