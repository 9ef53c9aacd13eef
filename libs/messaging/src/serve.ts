import {
  type ErrorReply,
  identifiersIn,
  type RequestDefinition,
  SluiceError,
  subjectOfAll,
  subjectPattern,
  validate,
} from '@sluice/contracts'
import { headers, type Msg } from 'nats'
import type { Static, TSchema } from 'typebox'
import type { Bus } from './bus.ts'
import { IdleSignal } from './idle-signal.ts'

/** Header of an error reply: the stable code (ADR-32). */
export const ERROR_CODE_HEADER = 'Nats-Service-Error-Code'
/** Header of an error reply: the message (ADR-32). */
export const ERROR_MESSAGE_HEADER = 'Nats-Service-Error'

export interface Served {
  /** Takes no further requests; resolves when those it has taken are answered. */
  stop(): Promise<void>
}

export interface ServeOptions {
  /** The first identifiers of the subject, where only those are served; the rest is open. */
  readonly identifiers?: readonly string[]
  /** Told of faults that are not the requester's, with their cause; the requester gets no details. */
  readonly onFault: (error: unknown, subject: string) => void
}

/**
 * Serves a definition's subject for every identifier that is open; the handler is given those. Its value is the reply; a `SluiceError` it throws is an
 * error reply, as is a request that does not have the schema's shape. Every request is answered, if to an inbox.
 */
export function serve<A extends readonly string[], Q extends TSchema, R extends TSchema>(
  bus: Bus,
  definition: RequestDefinition<A, Q, R>,
  handle: (request: Static<Q>, identifiers: string[]) => Promise<Static<R>> | Static<R>,
  options: ServeOptions,
): Served {
  const pattern = subjectPattern(definition.subject, options.identifiers)
  const idle = new IdleSignal()

  const answer = async (message: Msg): Promise<void> => {
    idle.begin()
    try {
      const request = validate(definition.request, parse(message))
      if (!request.valid) {
        throw new SluiceError('invalid_request', 'the request is malformed', { fields: request.errors })
      }
      const reply = await handle(request.value, identifiersIn(message.subject, pattern))
      message.respond(JSON.stringify(reply))
    } catch (error) {
      respondError(message, error, options)
    } finally {
      idle.end()
    }
  }

  const subscribe = (subject: string, queue: { readonly queue?: string }) =>
    bus.connection.subscribe(subject, {
      ...queue,
      callback: (error, message) => {
        if (error) return options.onFault(error, subject)
        if (!isInbox(message.reply)) return
        answer(message).catch((fault: unknown) => options.onFault(fault, message.subject))
      },
    })
  const subscriptions = [subscribe(pattern, { queue: definition.queue })]
  if (definition.askAllAfterMs !== undefined) subscriptions.push(subscribe(subjectOfAll(pattern), {}))

  return {
    stop: async () => {
      const open = subscriptions.filter((subscription) => !subscription.isClosed())
      await Promise.all(open.map((subscription) => subscription.drain()))
      await idle.reached()
    },
  }
}

/**
 * NATS lets a responder answer wherever the request says, also where neither of the two may publish. An answer in a bucket or on an
 * event's subject would be a forgery in this service's name.
 */
function isInbox(reply: string | undefined): boolean {
  return reply?.startsWith('_INBOX.') ?? false
}

const OWN_FAULTS: ReadonlySet<string> = new Set(['internal', 'unavailable'])

function parse(message: Msg): unknown {
  if (message.data.length === 0) return {}
  try {
    return message.json()
  } catch (cause) {
    throw new SluiceError('invalid_request', 'the request is not JSON', { cause })
  }
}

function respondError(message: Msg, error: unknown, options: ServeOptions): void {
  const known = error instanceof SluiceError
  if (!known || OWN_FAULTS.has(error.code)) options.onFault(error, message.subject)
  const reply: ErrorReply = known
    ? { code: error.code, message: error.message, ...(error.fields.length > 0 ? { errors: [...error.fields] } : {}) }
    : { code: 'internal', message: 'internal error' }
  const replyHeaders = headers()
  replyHeaders.set(ERROR_CODE_HEADER, reply.code)
  replyHeaders.set(ERROR_MESSAGE_HEADER, reply.message.replaceAll(/[\r\n]+/g, ' '))
  message.respond(JSON.stringify(reply), { headers: replyHeaders })
}
