import { type CapacityMember, MEMBER_EXPIRY_MS } from '@sluice/contracts'
import type { Bucket, Watch } from '@sluice/messaging'

/**
 * Orders `members` by highest random weight for `key`: every gateway finds the same first one, and a member that comes or goes
 * moves only the keys that it is first for.
 *
 * @see Thaler and Ravishankar, "A Name-Based Mapping Scheme for Rendezvous", 1996
 */
export function rendezvousOrder(members: readonly string[], key: string): string[] {
  return members
    .map((member) => ({ member, weight: weight(member, key) }))
    .sort((a, b) => b.weight - a.weight || (a.member < b.member ? -1 : 1))
    .map(({ member }) => member)
}

/** 32 bits: FNV-1a over both, with a last mix (of MurmurHash3) since FNV's high bits vary little between similar names. */
function weight(member: string, key: string): number {
  let hash = 0x811c9dc5
  for (const text of [member, '/', key]) {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** The capacity instances that are alive, as far as this process can know. */
export interface LiveMembers {
  /** The instances in the order in which to ask them about a connection. */
  orderFor(connectionId: string): readonly string[]
  /** What the counters' clock has come to at least, Unix milliseconds, by its newest reading; 0 where there was none yet. */
  countersClockMs(): number
  /** Takes a reading that came in a reply. */
  heardClock(clockMs: number): void
  stop(): void
}

/**
 * Follows the members' heartbeats. An entry that expires in the bucket makes no event, so a member that is not heard of for as
 * long is forgotten here as well. Which instance is asked is only a hint; the clock in the heartbeats
 * says how old exchanges are.
 */
export async function watchMembers(
  bucket: Bucket<CapacityMember>,
  monotonicMs: () => number,
  onFault: (error: unknown) => void,
): Promise<LiveMembers> {
  const heardAtMs = new Map<string, number>()
  let orders = new Map<string, readonly string[]>()
  let heard: { readonly clockMs: number; readonly atMs: number } | undefined

  /** A little behind, as it may go slower than this machine's. */
  const countersClockMs = (): number =>
    heard === undefined ? 0 : Math.floor(heard.clockMs + (monotonicMs() - heard.atMs) * BEHIND)
  const heardClock = (clockMs: number): void => {
    if (clockMs > countersClockMs()) heard = { clockMs, atMs: monotonicMs() }
  }
  const forget = (instance: string): void => {
    if (heardAtMs.delete(instance)) orders = new Map()
  }
  const watch: Watch = await bucket.watch({
    onFault,
    onEntry: ({ key, value }) => {
      // One that does not know the time yet serves nothing either.
      if (value === undefined || value.clockMs === 0) return forget(key)
      heardClock(value.clockMs)
      if (!heardAtMs.has(key)) orders = new Map()
      heardAtMs.set(key, monotonicMs())
    },
  })
  const sweeping = setInterval(() => {
    const expiredMs = monotonicMs() - MEMBER_EXPIRY_MS
    for (const [instance, atMs] of heardAtMs) if (atMs < expiredMs) forget(instance)
  }, SWEEP_MS)

  return {
    orderFor: (connectionId) => {
      let order = orders.get(connectionId)
      if (order === undefined) {
        order = rendezvousOrder([...heardAtMs.keys()], connectionId)
        orders.set(connectionId, order)
      }
      return order
    },
    countersClockMs,
    heardClock,
    stop: () => {
      watch.stop()
      clearInterval(sweeping)
    },
  }
}

const SWEEP_MS = 500
const BEHIND = 0.99
