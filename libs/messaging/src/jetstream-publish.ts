import { SluiceError } from '@sluice/contracts'
import { headers, type MsgHdrs } from 'nats'
import type { Bus } from './bus.ts'
import { NoReplyError, NoRespondersError, NoRoomError, NotConfirmedError } from './faults.ts'
import { isNoRoom, type JetStreamError } from './no-room.ts'

/** What the server made of a message for a stream. */
export type Published =
  | { readonly status: 'stored'; readonly sequence: number }
  /** The subject's last message is another than was expected. */
  | { readonly status: 'conflict' }

/**
 * Stores a message in the stream that has its subject.
 * @throws NoReplyError when it is not known whether it is stored; NotConfirmedError if the connection is there all the same
 * @throws NoRoomError when the server has no room for it; nothing is stored
 * @throws SluiceError `unavailable` when it is not stored: no stream takes it now, or the server refused it
 */
export async function publishToJetStream(
  bus: Bus,
  subject: string,
  payload: string | Uint8Array,
  messageHeaders: Readonly<Record<string, string>>,
): Promise<Published> {
  const options = { timeoutMs: bus.jetstreamTimeoutMs, headers: encoded(messageHeaders) }
  for (let attempt = 1; ; attempt++) {
    try {
      const reply = await bus.inbox.ask(subject, payload, options)
      return published(subject, reply.json())
    } catch (error) {
      // A stream that was created this instant, or whose server has just started, is not listening yet. Nothing was stored.
      if (error instanceof NoReplyError && bus.isConnected()) throw new NotConfirmedError(subject, options.timeoutMs)
      if (!(error instanceof NoRespondersError) || attempt === ATTEMPTS) throw error
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
    }
  }
}

/** @see https://docs.nats.io/reference/reference-protocols/nats_api_reference (JSPubAckResponse) */
interface Acknowledgement {
  readonly seq?: number
  readonly error?: JetStreamError
}

function published(subject: string, { seq, error }: Acknowledgement): Published {
  if (error?.err_code === WRONG_LAST_SEQUENCE) return { status: 'conflict' }
  if (error !== undefined && isNoRoom(error)) throw new NoRoomError(subject, error.description ?? 'no reason given')
  if (error !== undefined || seq === undefined) {
    throw new SluiceError('unavailable', `not stored on ${subject}: ${error?.description ?? 'malformed answer'}`)
  }
  return { status: 'stored', sequence: seq }
}

function encoded(values: Readonly<Record<string, string>>): MsgHdrs {
  const messageHeaders = headers()
  for (const [name, value] of Object.entries(values)) messageHeaders.set(name, value)
  return messageHeaders
}

const ATTEMPTS = 5
const AGAIN_MS = 50
/** JetStream's error for an expected last sequence that is not the last one. */
const WRONG_LAST_SEQUENCE = 10_071
