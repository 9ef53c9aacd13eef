import type { ServerResponse } from 'node:http'
import type { ApiKey } from '../domain/api-key.ts'
import type { HeldBytes } from '../domain/byte-account.ts'
import type { DataPlane } from '../ports/data-plane.ts'

/** Opens a request's part of the account of bytes, which is given back when its response has been sent or broken off. */
export function holdBytes({ heldBytes }: DataPlane, { id }: ApiKey, response: ServerResponse): HeldBytes {
  const held = heldBytes.open(id)
  if (response.destroyed) held.release()
  else response.once('close', held.release)
  return held
}
