import type { ProviderId } from '@sluice/contracts'

/** One provider's official SDK, as far as it does what all of them do. */
export interface NativeSdk {
  readonly provider: ProviderId
  readonly model: string
  /** A client as an application makes it: with no other base URL and key, it would call the provider itself. It never retries. */
  connect(baseURL: string, apiKey: string): NativeClient
  /** Asks once more after a 429, when that says. With the SDK's own retry, where it has one. */
  askPatiently(baseURL: string, apiKey: string): Promise<NativeAnswer>
  /** What the SDK raises for an answer of this status. */
  errorType(status: SdkErrorStatus): ErrorType
  /** What the SDK says of a stream that holds the error "It broke." */
  readonly streamError: RegExp
  /** When the error of a 429 says to come back. */
  retryAfterMs(error: unknown): number
}

export type SdkErrorStatus = 400 | 401 | 404 | 429 | 500
type ErrorType = new (...args: never[]) => Error

export interface NativeClient {
  ask(question?: Question): Promise<NativeAnswer>
  /** The answer's text as it comes. */
  stream(question?: Question): AsyncIterable<string>
}

export interface Question {
  /** Default: the SDK's {@link NativeSdk.model}. */
  readonly model?: string
  /** Asks nothing at all, which every provider refuses. */
  readonly empty?: boolean
  readonly signal?: AbortSignal
}

export interface NativeAnswer {
  readonly text: string
  readonly inputTokens: number
  readonly outputTokens: number
}

/** What every SDK asks. */
export const PROMPT = 'What does a sluice do — naïve 🙂?'
/** A PNG of one pixel. */
export const IMAGE_BASE64 =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** The error types by status of an SDK that has OpenAI's names for them, as Anthropic's and Groq's do. */
export function errorTypesOf(sdk: NamedErrors): NativeSdk['errorType'] {
  const types: Readonly<Record<SdkErrorStatus, ErrorType>> = {
    400: sdk.BadRequestError,
    401: sdk.AuthenticationError,
    404: sdk.NotFoundError,
    429: sdk.RateLimitError,
    500: sdk.InternalServerError,
  }
  return (status) => types[status]
}

type NamedErrors = Readonly<
  Record<
    'AuthenticationError' | 'BadRequestError' | 'InternalServerError' | 'NotFoundError' | 'RateLimitError',
    ErrorType
  >
>

/** When to come back by the headers of an error, of which `retry-after` is for those that count whole seconds. */
export function retryAfterOfHeaders(headers: Headers | undefined): number {
  const exactMs = Number(headers?.get('retry-after-ms') ?? Number.NaN)
  const wholeSeconds = Number(headers?.get('retry-after') ?? Number.NaN)
  return wholeSeconds === Math.ceil(exactMs / 1_000) ? exactMs : Number.NaN
}
