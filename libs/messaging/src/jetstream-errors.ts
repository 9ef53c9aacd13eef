import { NatsError } from 'nats'
import { NoRoomError } from './errors.ts'

/** Returns whether the server refused a request because this connection's user may not make it. */
export function isNotPermitted(error: unknown): boolean {
  return error instanceof NatsError && error.isPermissionError()
}

/** Returns whether a stream of this name already exists, with other settings. */
export function isNameInUse(error: unknown): boolean {
  return error instanceof NatsError && error.api_error?.err_code === NAME_IN_USE
}

/** Returns whether the server has no such stream, consumer or message. */
export function isNotFound(error: unknown): boolean {
  return error instanceof NatsError && error.api_error?.code === NOT_FOUND
}

/** Returns whether the server has no such stream. */
export function isStreamNotFound(error: unknown): boolean {
  return error instanceof NatsError && error.api_error?.err_code === STREAM_NOT_FOUND
}

/** An error as JetStream describes it in a reply. */
export interface JetStreamError {
  readonly err_code?: number
  readonly description?: string
}

/** Returns whether the server refused because its disk, its memory or a configured limit is exhausted. */
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

/** JetStream's status for something that does not exist, like HTTP's. */
const NOT_FOUND = 404
/**
 * JetStream's error codes. `NO_ROOM`: the limits of the account, of the server's storage, of its memory, and of what
 * it can reserve for a new stream.
 * @see https://github.com/nats-io/nats-server/blob/main/server/errors.json
 */
const STREAM_NOT_FOUND = 10_059
const NAME_IN_USE = 10_058
const STORE_FAILED = 10_077
const NO_ROOM: ReadonlySet<number> = new Set([10_002, 10_023, 10_028, 10_047])
