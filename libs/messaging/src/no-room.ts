import { NatsError } from 'nats'
import { NoRoomError } from './faults.ts'

/** What JetStream says of an error in a reply. */
export interface JetStreamError {
  readonly err_code?: number
  readonly description?: string
}

/** True when the server refused for want of room on its disk, in its memory, or within the limits that are set for it. */
export function isNoRoom({ err_code: code, description = '' }: JetStreamError): boolean {
  if (code === undefined) return false
  return NO_ROOM.has(code) || (code === STORE_FAILED && /no space left|maximum bytes exceeded/.test(description))
}

/**
 * Creates a stream or a bucket by calling `create`.
 * @throws NoRoomError in place of the client's error when the server has no room for it
 */
export async function withRoomFor<T>(what: string, create: () => Promise<T>): Promise<T> {
  try {
    return await create()
  } catch (error) {
    const refused = error instanceof NatsError ? error.api_error : undefined
    if (refused !== undefined && isNoRoom(refused)) throw new NoRoomError(what, refused.description, { cause: error })
    throw error
  }
}

/**
 * Limits of the account, of the server as it stores a message, of its memory, and of what it can reserve for a new stream.
 * @see https://github.com/nats-io/nats-server/blob/main/server/errors.json
 */
const NO_ROOM: ReadonlySet<number> = new Set([10_002, 10_023, 10_028, 10_047])
const STORE_FAILED = 10_077
