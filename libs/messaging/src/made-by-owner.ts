import { NatsError, type StreamInfo } from 'nats'
import type { Bus } from './bus.ts'

/** True when the server refused a request because this connection's user may not make it. */
export function isNotPermitted(error: unknown): boolean {
  return error instanceof NatsError && error.isPermissionError()
}

/** True when there is a stream of this name already, with other settings. */
export function isNameInUse(error: unknown): boolean {
  return error instanceof NatsError && error.api_error?.err_code === NAME_IN_USE
}

/** True when the server has no such stream, consumer or message. */
export function isNotFound(error: unknown): boolean {
  return error instanceof NatsError && error.api_error?.code === NOT_FOUND
}

/** The stream as it stands; undefined when there is none. */
export async function findStream(bus: Bus, name: string): Promise<StreamInfo | undefined> {
  try {
    return await bus.jetstreamManager.streams.info(name)
  } catch (error) {
    if (error instanceof NatsError && error.api_error?.err_code === STREAM_NOT_FOUND) return undefined
    throw error
  }
}

/** Waits, for as long as it takes, for a stream that only another service may make. */
export async function untilOwnerMadeIt(bus: Bus, name: string): Promise<void> {
  while ((await findStream(bus, name)) === undefined) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
}

/** JetStream's status for what is not there, as HTTP's. */
const NOT_FOUND = 404
/** JetStream's error for a stream that is not there. */
const STREAM_NOT_FOUND = 10_059
/** JetStream's error for a stream that exists with other settings. */
const NAME_IN_USE = 10_058
const AGAIN_MS = 100
