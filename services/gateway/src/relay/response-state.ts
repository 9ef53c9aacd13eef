import { HeldError } from './held-error.ts'
import type { ResponsePipe } from './response-pipe.ts'
import type { ResponseHead } from './response-writer.ts'

/**
 * The states of a response on its way back to the application:
 *
 * ```
 * waiting ──► holding-error ─────────────────► ended
 *    │  └───► holding-body ──────────────────► ended
 *    │  └───► head-sent ──► streaming ───────► ended
 *    └───────────────────────────────────────► ended
 * ```
 *
 * Each state but the last may also end by a fault, or because the client disconnected.
 */
export type ResponseState = Waiting | HoldingError | HoldingBody | HeadSent | Streaming | Finished

/** The response has not begun. */
export interface Waiting {
  readonly phase: 'waiting'
}

/** An error is held back until it is whole: what it says is read, and may have to be translated. */
export interface HoldingError {
  readonly phase: 'holding-error'
  readonly head: ResponseHead
  readonly error: HeldError
}

/** A translated response is held back until it is whole: until then it may turn out to be none. */
export interface HoldingBody {
  readonly phase: 'holding-body'
  readonly head: ResponseHead
  /** The body's pipe; undefined if the response cannot be translated. */
  readonly pipe: ResponsePipe | undefined
}

/** The application has the head, or gets it with the first of the body. */
export interface HeadSent {
  readonly phase: 'head-sent'
  readonly head: ResponseHead
  /** The body's pipe; undefined if it is passed on as it is. */
  readonly pipe: ResponsePipe | undefined
}

/** The application has some of the body. */
export interface Streaming {
  readonly phase: 'streaming'
  readonly head: ResponseHead
  readonly pipe: ResponsePipe | undefined
  /** The provider is to go on when the application has taken what was sent. */
  awaitsDrain: boolean
}

/** Nothing of the response follows, and its call is finished. */
export interface Finished {
  readonly phase: 'ended'
}

export const WAITING: Waiting = { phase: 'waiting' }
export const ENDED: Finished = { phase: 'ended' }

/** Returns the state of an error of the provider's whose head has come. */
export function holdingError(head: ResponseHead): HoldingError {
  return { phase: 'holding-error', head, error: new HeldError(head.status, head.statusMessage, head.headers) }
}

/**
 * Returns the state of another response whose head has come.
 * @param pipe what its body passes through
 * @param isTranslated the application gets OpenAI's format, not the provider's
 */
export function stateOfResponse(
  head: ResponseHead,
  pipe: ResponsePipe | undefined,
  isTranslated: boolean,
): HoldingBody | HeadSent {
  const isHeld = pipe?.isHeldBack === true || (isTranslated && !isTranslatable(head, pipe))
  return { phase: isHeld ? 'holding-body' : 'head-sent', head, pipe }
}

/** Returns whether a held body can still become a response of the application. */
export function isReadable({ head, pipe }: HoldingBody): boolean {
  return isTranslatable(head, pipe) && pipe?.isSpoiled !== true
}

function isTranslatable({ status }: ResponseHead, pipe: ResponsePipe | undefined): boolean {
  return pipe !== undefined && status !== NO_CONTENT
}

const NO_CONTENT = 204

/** The end of a held body that is not the response it should be. */
export type BodyFailure =
  | { readonly kind: 'unreadable' }
  /** The provider was reached, and may charge: the request is not to be sent again. */
  | { readonly kind: 'charged' }
  /** An error with a status of its own that came with a status of 2xx. */
  | { readonly kind: 'error'; readonly status: number }

export function failureOf(pipe: Pick<ResponsePipe, 'failure' | 'reader'>): BodyFailure {
  if (pipe.failure === undefined) return { kind: 'unreadable' }
  const { errorStatus } = pipe.reader
  // An error that does not say which it is may be about what was generated.
  if (errorStatus === undefined || errorStatus === INTERNAL_ERROR) return { kind: 'charged' }
  return { kind: 'error', status: errorStatus }
}

const INTERNAL_ERROR = 500
