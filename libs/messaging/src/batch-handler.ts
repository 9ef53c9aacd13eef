import { type StreamDefinition, validate } from '@sluice/contracts'
import type { JsMsg } from 'nats'
import type { Static, TSchema } from 'typebox'
import { UnprocessableMessageError } from './errors.ts'
import type { PullSource } from './pull-source.ts'

export interface StreamMessage<Message> {
  readonly message: Message
  /** The message's position in the stream: the same at every delivery. */
  readonly streamSequence: number
  readonly redelivered: boolean
}

/** A message that can never be handled. */
export interface DeadLetter {
  readonly subject: string
  readonly streamSequence: number
  readonly reason: string
  readonly data: Uint8Array
}

export interface BatchHandlerOptions<Message> {
  /**
   * Handles a batch. Its messages are acknowledged when it resolves, and delivered again when it rejects. When it
   * rejects with an `UnprocessableMessageError`, it is called again with parts of the batch until the message at fault
   * is found, so that the others are handled at once. It must be atomic or idempotent.
   */
  readonly handle: (messages: StreamMessage<Message>[]) => Promise<void>
  /**
   * Keeps a message that does not match the stream's schema, or that `handle` rejects with an
   * `UnprocessableMessageError`. Once this resolves, the message is not delivered again. If it rejects, only this
   * message is delivered again.
   */
  readonly storeDeadLetter: (letter: DeadLetter) => Promise<void>
  /**
   * Called when a batch failed, a dead letter could not be stored, or the stream cannot be read; consuming resumes
   * after a pause.
   */
  readonly onFault: (error: unknown) => void
}

type Delivered = Pick<PullSource, 'acknowledge' | 'drop' | 'reject'>

/**
 * Returns a function that has a batch handled, and acknowledges, drops or rejects each of its messages at their
 * source.
 */
export function createBatchHandler<A extends readonly string[], M extends TSchema>(
  definition: StreamDefinition<A, M>,
  { handle, storeDeadLetter, onFault }: BatchHandlerOptions<Static<M>>,
): (messages: readonly JsMsg[], source: Delivered) => Promise<void> {
  return async (messages, source) => {
    const deadLetter = async (message: JsMsg, reason: string): Promise<void> => {
      const { subject, seq: streamSequence, data } = message
      try {
        await storeDeadLetter({ subject, streamSequence, reason, data })
        source.drop(message)
      } catch (error) {
        source.reject([message], REDELIVERY_MS)
        onFault(error)
      }
    }

    const handleParts = async (deliveries: readonly Delivery<Static<M>>[]): Promise<void> => {
      const [first] = deliveries
      if (first === undefined) return
      try {
        await handle(deliveries.map(({ streamMessage }) => streamMessage))
      } catch (error) {
        if (!(error instanceof UnprocessableMessageError)) throw error
        if (deliveries.length === 1) return deadLetter(first.source, reasonOf(error))
        const middle = Math.ceil(deliveries.length / 2)
        await handleParts(deliveries.slice(0, middle))
        return handleParts(deliveries.slice(middle))
      }
      source.acknowledge(deliveries.map((delivery) => delivery.source))
    }

    const deliveries: Delivery<Static<M>>[] = []
    for (const message of messages) {
      const decoded = decodeMessage(definition.message, message)
      if (!decoded.valid) {
        await deadLetter(message, decoded.reason)
        continue
      }
      const { seq: streamSequence, redelivered } = message
      deliveries.push({ source: message, streamMessage: { message: decoded.value, streamSequence, redelivered } })
    }
    try {
      await handleParts(deliveries)
    } catch (error) {
      // No effect on messages that are acknowledged or dropped already.
      source.reject(messages, REDELIVERY_MS)
      throw error
    }
  }
}

/** A message as the handler gets it, and as it is acknowledged. */
interface Delivery<Message> {
  readonly source: JsMsg
  readonly streamMessage: StreamMessage<Message>
}

function reasonOf({ message, cause }: UnprocessableMessageError): string {
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}

type Decoded<M extends TSchema> = { valid: true; value: Static<M> } | { valid: false; reason: string }

/** Parses and validates a message of a stream. */
export function decodeMessage<M extends TSchema>(schema: M, message: Pick<JsMsg, 'json'>): Decoded<M> {
  let json: unknown
  try {
    json = message.json()
  } catch {
    return { valid: false, reason: 'the message is not JSON' }
  }
  const validation = validate(schema, json)
  if (validation.valid) return validation
  const reasons = validation.errors.map(({ field, message: what }) => `${field || 'the message'} ${what}`)
  return { valid: false, reason: reasons.join('; ') }
}

/** How long the server waits before it delivers a message again. */
export const REDELIVERY_MS = 500
