import { SluiceError, validate } from '@sluice/contracts'
import { headers, type MsgHdrs } from 'nats'
import { Type } from 'typebox'
import type { Bus } from './bus.ts'
import { NoReplyError, NoRespondersError, NoRoomError, NotConfirmedError } from './errors.ts'
import { isNoRoom } from './jetstream-errors.ts'

/** The outcome of publishing a message to a stream. */
export type Published =
  | { readonly status: 'stored'; readonly sequence: number }
  /** The subject's last message is not the expected one. */
  | { readonly status: 'conflict' }

/**
 * Stores a message in the stream that has its subject.
 * @throws NoReplyError when it is unknown whether the message is stored; NotConfirmedError if the connection is up all the same
 * @throws NoRoomError when the server has no room for the message; nothing is stored
 * @throws SluiceError `unavailable` when the message is not stored: no stream takes it now, or the server refused it
 */
export async function publishToJetStream(
  bus: Bus,
  subject: string,
  payload: string | Uint8Array,
  messageHeaders: Readonly<Record<string, string>>,
): Promise<Published> {
  const options = { timeoutMs: bus.jetstreamTimeoutMs, headers: encodeHeaders(messageHeaders) }
  for (let attempt = 1; ; attempt++) {
    try {
      const reply = await bus.inbox.request(subject, payload, options)
      return parsePublished(subject, reply.json())
    } catch (error) {
      if (error instanceof NoReplyError && bus.isConnected()) throw new NotConfirmedError(subject, options.timeoutMs)
      // A stream that was created this instant, or whose server has just started, is not listening yet. Nothing was
      // stored.
      if (!(error instanceof NoRespondersError) || attempt === MAX_ATTEMPTS) throw error
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
  }
}

/** @see https://docs.nats.io/reference/reference-protocols/nats_api_reference (JSPubAckResponse) */
const Acknowledgement = Type.Object({
  seq: Type.Optional(Type.Integer({ minimum: 0 })),
  error: Type.Optional(
    Type.Object({ err_code: Type.Optional(Type.Integer()), description: Type.Optional(Type.String()) }),
  ),
})

function parsePublished(subject: string, body: unknown): Published {
  const acknowledgement = validate(Acknowledgement, body)
  if (!acknowledgement.valid) throw new SluiceError('unavailable', `not stored on ${subject}: malformed reply`)
  const { seq, error } = acknowledgement.value
  if (error?.err_code === WRONG_LAST_SEQUENCE) return { status: 'conflict' }
  if (error !== undefined && isNoRoom(error)) throw new NoRoomError(subject, error.description ?? 'no reason given')
  if (error !== undefined || seq === undefined) {
    throw new SluiceError('unavailable', `not stored on ${subject}: ${error?.description ?? 'malformed reply'}`)
  }
  return { status: 'stored', sequence: seq }
}

function encodeHeaders(values: Readonly<Record<string, string>>): MsgHdrs {
  const messageHeaders = headers()
  for (const [name, value] of Object.entries(values)) messageHeaders.set(name, value)
  return messageHeaders
}

const MAX_ATTEMPTS = 5
const RETRY_MS = 50
/** JetStream's error code for an expected last sequence that is not the last one. */
const WRONG_LAST_SEQUENCE = 10_071
