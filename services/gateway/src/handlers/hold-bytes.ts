import type { ServerResponse } from 'node:http'
import type { ApiKey } from '../domain/api-key.ts'
import type { HeldBytes } from '../domain/byte-account.ts'
import type { DataPlane } from '../ports/data-plane.ts'

/**
 * Opens a request's part of the account of bytes for `work`. It is given back when the response has been sent or broken off, the work is
 * done, and nobody else shares it any more: an application that goes away leaves its body where it is being read or sent.
 */
export async function holdingBytes(
  { heldBytes }: DataPlane,
  { id }: ApiKey,
  response: ServerResponse,
  work: (held: HeldBytes) => Promise<void>,
): Promise<void> {
  const held = heldBytes.open(id)
  const done = held.share()
  if (!response.destroyed) response.on('close', held.share())
  try {
    await work(held)
  } finally {
    done()
  }
}
