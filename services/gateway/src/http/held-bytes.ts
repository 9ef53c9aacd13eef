import type { ServerResponse } from 'node:http'
import type { ApiKey } from '../admission/api-key.ts'

/**
 * The bytes that requests hold in memory, of all API keys together and of each. A key may hold as much as is still free: alone half of
 * all, two a third each, and however many are greedy, as much as one of them has stays free for the others.
 * @see Choudhury and Hahne, "Dynamic Queue Length Thresholds for Shared-Memory Packet Switches", 1998
 */
export class ByteAccount {
  readonly #limitBytes: number
  readonly #heldBytes = new Map<string, number>()
  #totalBytes = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  get totalBytes(): number {
    return this.#totalBytes
  }

  /** Opens a request's part of the account, with nothing in it and no holder. @param owner the API key's id */
  open(owner: string): HeldBytes {
    let ownBytes = 0
    let holders = 0
    let isOver = false
    const add = (bytes: number): void => {
      const ofOwner = (this.#heldBytes.get(owner) ?? 0) + bytes
      if (ofOwner === 0) this.#heldBytes.delete(owner)
      else this.#heldBytes.set(owner, ofOwner)
      this.#totalBytes += bytes
      ownBytes += bytes
    }
    return {
      hold: (bytes) => {
        if (isOver) return 'released'
        const ofOwner = this.#heldBytes.get(owner) ?? 0
        if (ofOwner + bytes > this.#limitBytes - this.#totalBytes) {
          return ofOwner - ownBytes > 0 ? 'owner-full' : 'full'
        }
        add(bytes)
        return 'held'
      },
      giveBack: (bytes = ownBytes) => add(-Math.min(bytes, ownBytes)),
      share: () => {
        let isHolding = true
        holders++
        return () => {
          if (isHolding) holders--
          isHolding = false
          if (holders > 0) return
          isOver = true
          add(-ownBytes)
        }
      },
    }
  }
}

/** The bytes that one request holds, for as long as any part of the gateway uses them. */
export interface HeldBytes {
  /**
   * Adds to it, if there is room. `owner-full`: the key's other requests hold too much. `full`: the process does. `released`: the request
   * is over.
   */
  hold(bytes: number): 'held' | 'owner-full' | 'full' | 'released'
  /** Gives back what is dropped though the request goes on: all that is held so far, or so many bytes of it. */
  giveBack(bytes?: number): void
  /** Joins those that hold it; returns what leaves them. When the last has left, all is given back. */
  share(): () => void
}

/**
 * Opens a request's part of the account of bytes for `work`. It is given back when the response has been sent or broken off, the work is
 * done, and no one else shares it any more: when a client disconnects, its body stays where it is being read or sent.
 */
export async function holdingBytes(
  account: ByteAccount,
  { id }: ApiKey,
  response: ServerResponse,
  work: (held: HeldBytes) => Promise<void>,
): Promise<void> {
  const held = account.open(id)
  const done = held.share()
  if (!response.destroyed) response.on('close', held.share())
  try {
    await work(held)
  } finally {
    done()
  }
}
