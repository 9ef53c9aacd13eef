import type { ProviderId } from '@sluice/contracts'

/** A provider's official SDK, reduced to what all of them can do. */
export interface NativeSdk {
  readonly provider: ProviderId
  readonly model: string
  /** Makes a client as an application does; only base URL and key make it call the gateway. It never retries. */
  connect(baseURL: string, apiKey: string): NativeClient
  /** Sends a request and retries once after a 429, at its time; with the SDK's own retry if it has one. */
  sendWithRetry(baseURL: string, apiKey: string): Promise<SdkResponse>
  /** Returns the error type that the SDK raises for this status. */
  errorType(status: SdkErrorStatus): ErrorType
  /** Matches the SDK's message for a stream with the error "It broke." */
  readonly streamError: RegExp
  /** Returns the retry time of a 429's error. */
  retryAfterMs(error: unknown): number
}

export type SdkErrorStatus = 400 | 401 | 404 | 429 | 500
type ErrorType = new (...args: never[]) => Error

export interface NativeClient {
  send(question?: SdkRequest): Promise<SdkResponse>
  /** Yields the response's text as it arrives. */
  stream(question?: SdkRequest): AsyncIterable<string>
}

export interface SdkRequest {
  /** Default: the SDK's {@link NativeSdk.model}. */
  readonly model?: string
  /** Sends no message, which every provider refuses. */
  readonly empty?: boolean
  readonly signal?: AbortSignal
}

export interface SdkResponse {
  readonly text: string
  readonly inputTokens: number
  readonly outputTokens: number
}

/** The prompt of every request. */
export const PROMPT = 'What does a sluice do — naïve 🙂?'
/** A PNG of one pixel. */
export const IMAGE_BASE64 =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** Returns the error types by status of an SDK that has OpenAI's names for them, as Anthropic's and Groq's do. */
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

/** Returns the retry time by the headers of an error; `retry-after` has whole seconds. */
export function retryAfterOfHeaders(headers: Headers | undefined): number {
  const exactMs = Number(headers?.get('retry-after-ms') ?? Number.NaN)
  const wholeSeconds = Number(headers?.get('retry-after') ?? Number.NaN)
  return wholeSeconds === Math.ceil(exactMs / 1_000) ? exactMs : Number.NaN
}
