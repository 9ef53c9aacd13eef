import {
  type ErrorReply,
  type RequestDefinition,
  SluiceError,
  subjectIdentifiers,
  subjectOfAll,
  subjectPattern,
  validate,
} from '@sluice/contracts'
import { headers, type Msg } from 'nats'
import type { Static, TSchema } from 'typebox'
import type { Bus } from './bus.ts'
import { subscribe } from './subscribe.ts'

/** Header of an error reply: the stable code (ADR-32). */
export const ERROR_CODE_HEADER = 'Nats-Service-Error-Code'
/** Header of an error reply: the message (ADR-32). */
const ERROR_MESSAGE_HEADER = 'Nats-Service-Error'

export interface Served {
  /** Takes no further requests; resolves when all requests under way have their replies. */
  stop(): Promise<void>
}

export interface ServeOptions {
  /**
   * Values of the subject's first identifiers, to serve only these; requests for any value of the others are served.
   */
  readonly identifiers?: readonly string[]
  /** Called with faults that are not the requester's, with their cause; the requester gets no details. */
  readonly onFault: (error: unknown, subject: string) => void
}

/**
 * Serves a definition's subject. The handler gets the request and the subject's identifiers, in the order of the
 * definition's parameters. What it returns is the reply; a `SluiceError` that it throws becomes an error reply, as
 * does a request that does not match the schema. Every request that names an inbox gets a reply.
 */
export function serve<A extends readonly string[], Q extends TSchema, R extends TSchema>(
  bus: Bus,
  definition: RequestDefinition<A, Q, R>,
  handle: (request: Static<Q>, identifiers: A) => Promise<Static<R>> | Static<R>,
  options: ServeOptions,
): Served {
  const pattern = subjectPattern(definition.subject, options.identifiers)
  const identifiersIn = subjectIdentifiers(definition.subject)
  const idle = new IdleSignal()

  const respond = async (message: Msg): Promise<void> => {
    idle.begin()
    try {
      const identifiers = identifiersIn(message.subject)
      if (identifiers === undefined) throw new SluiceError('invalid_request', 'The subject has no identifiers.')
      const request = validate(definition.request, parse(message))
      if (!request.valid) {
        throw new SluiceError('invalid_request', 'the request is malformed', { fields: request.errors })
      }
      message.respond(JSON.stringify(await handle(request.value, identifiers)))
    } catch (error) {
      respondError(message, error, options)
    } finally {
      idle.end()
    }
  }

  const serveOn = (subject: string, queue?: string) =>
    subscribe(bus, subject, {
      ...(queue === undefined ? {} : { queue }),
      onError: (error) => options.onFault(error, subject),
      onMessage: (message) => {
        if (!isInbox(message.reply)) return
        respond(message).catch((fault: unknown) => options.onFault(fault, message.subject))
      },
    })
  const subscriptions = [serveOn(pattern, definition.queue)]
  if (definition.askAllAfterMs !== undefined) subscriptions.push(serveOn(subjectOfAll(pattern)))

  return {
    stop: async () => {
      const open = subscriptions.filter((subscription) => !subscription.isClosed())
      await Promise.all(open.map((subscription) => subscription.drain()))
      await idle.reached()
    },
  }
}

/**
 * NATS lets a responder publish wherever the request says, even where neither of the two may publish. A reply stored
 * in a bucket or on an event's subject would be a forgery in this service's name.
 */
function isInbox(reply: string | undefined): boolean {
  return reply?.startsWith('_INBOX.') ?? false
}

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

const OWN_FAULTS: ReadonlySet<string> = new Set(['internal', 'unavailable'])

/** Signals when no request is under way. */
class IdleSignal {
  #underWay = 0
  #waiting: (() => void)[] = []

  begin(): void {
    this.#underWay++
  }

  end(): void {
    if (--this.#underWay > 0) return
    for (const resolve of this.#waiting) resolve()
    this.#waiting = []
  }

  /** Resolves when no request is under way. */
  async reached(): Promise<void> {
    if (this.#underWay > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}
