import { type CapacityMember, MEMBER_EXPIRY_MS } from '@sluice/contracts'
import type { Bucket, Watch } from '@sluice/messaging'

/**
 * Orders `members` by highest random weight for `key`: every gateway finds the same first member, and a member that joins or leaves moves
 * only the keys for which it is first.
 *
 * @see Thaler and Ravishankar, "A Name-Based Mapping Scheme for Rendezvous", 1996
 */
export function rendezvousOrder(members: readonly string[], key: string): string[] {
  return members
    .map((member) => ({ member, weight: weight(member, key) }))
    .sort((a, b) => b.weight - a.weight || (a.member < b.member ? -1 : 1))
    .map(({ member }) => member)
}

/** Returns 32 bits: FNV-1a over both, finished by MurmurHash3's mixer, since FNV's high bits vary little between similar names. */
function weight(member: string, key: string): number {
  let hash = 0x811c9dc5
  for (const text of [member, '/', key]) {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** The capacity instances that are alive, as far as this process knows. */
export interface LiveMembers {
  /** Returns the instances in the order in which to try them for a connection. */
  orderFor(connectionId: string): readonly string[]
  /** Returns the least that capacity's clock shows now, in Unix milliseconds, by its newest reading; 0 if there was none yet. */
  capacityClockMs(): number
  /** Takes a reading of capacity's clock from a reply. */
  observeClock(clockMs: number): void
  stop(): void
}

/**
 * Follows the members' heartbeats. An entry that expires in the bucket makes no event, so a member without a heartbeat for as long is
 * forgotten here too. The order of instances is only a hint; the clock in the heartbeats shows how old permit batches are.
 */
export async function watchMembers(
  bucket: Bucket<CapacityMember>,
  monotonicMs: () => number,
  onFault: (error: unknown) => void,
): Promise<LiveMembers> {
  const lastHeartbeatAtMs = new Map<string, number>()
  let orders = new Map<string, readonly string[]>()
  let lastReading: { readonly clockMs: number; readonly atMs: number } | undefined

  /** A little behind, since capacity's clock may run slower than this machine's. */
  const capacityClockMs = (): number =>
    lastReading === undefined ? 0 : Math.floor(lastReading.clockMs + (monotonicMs() - lastReading.atMs) * CLOCK_DRIFT)
  const observeClock = (clockMs: number): void => {
    if (clockMs > capacityClockMs()) lastReading = { clockMs, atMs: monotonicMs() }
  }
  const forget = (instance: string): void => {
    if (lastHeartbeatAtMs.delete(instance)) orders = new Map()
  }
  const watch: Watch = await bucket.watch({
    onFault,
    onEntry: ({ key, value }) => {
      // An instance without a clock reading serves nothing yet.
      if (value === undefined || value.clockMs === 0) return forget(key)
      observeClock(value.clockMs)
      if (!lastHeartbeatAtMs.has(key)) orders = new Map()
      lastHeartbeatAtMs.set(key, monotonicMs())
    },
  })
  const sweeping = setInterval(() => {
    const expiredMs = monotonicMs() - MEMBER_EXPIRY_MS
    for (const [instance, atMs] of lastHeartbeatAtMs) if (atMs < expiredMs) forget(instance)
  }, SWEEP_MS)

  return {
    orderFor: (connectionId) => {
      let order = orders.get(connectionId)
      if (order === undefined) {
        order = rendezvousOrder([...lastHeartbeatAtMs.keys()], connectionId)
        orders.set(connectionId, order)
      }
      return order
    },
    capacityClockMs,
    observeClock,
    stop: () => {
      watch.stop()
      clearInterval(sweeping)
    },
  }
}

const SWEEP_MS = 500
const CLOCK_DRIFT = 0.99
