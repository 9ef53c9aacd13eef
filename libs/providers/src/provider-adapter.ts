import type { ErrorCode, Metric, Period, ProviderId, RateLimitReading, TokenUsage } from '@sluice/contracts'
import type { LimitCounting } from './limits.ts'
import type { MemberWatch } from './naming/ambiguous-member.ts'
import type { UnifiedApi } from './unified-api.ts'
import type { WireHeaders } from './wire/headers.ts'

/**
 * Everything the gateway knows of one provider's HTTP API. An adapter does no I/O, has no state and reads no clock. Its
 * input comes from outside, so its readers never throw, whatever the shape.
 */
export interface ProviderAdapter {
  readonly id: ProviderId
  /** Lower-case names of headers that only the connection may set: callers' values are never forwarded. */
  readonly connectionHeaders: ReadonlySet<string>

  /** Returns the connection's API address: the config's `baseUrl`, else the provider's own. No trailing slash. */
  baseUrl(config: ProviderConfig): string
  /**
   * Returns what a call of `path` (without query, as the provider's SDK sends it) does; undefined where the provider
   * has no such path. Corrects a path that a wrong base URL produced: only the corrected `Operation.path` counts from
   * then on.
   * @param basePath the path of the connection's base URL, beside which the server may have another API; the provider's
   * own if absent
   */
  operation(method: string, path: string, basePath?: string): Operation | undefined
  /**
   * The authentication of requests: `headers`, by {@link authHeaders}; `sigv4`, by a signature of the whole request
   * with temporary credentials of the connection's role (AWS Signature Version 4), without such headers.
   */
  readonly signing: 'headers' | 'sigv4'
  /** @throws SluiceError `credential_unavailable` when the required secret field is missing */
  authHeaders(config: ProviderConfig): Readonly<Record<string, string>>

  /** @param body the parsed JSON body; undefined where the body is not JSON @param sizeBytes the body's length */
  inspect(operation: Operation, body: unknown, sizeBytes: number): RequestInspection
  /**
   * Returns every model that the body or path of a request names, including fallbacks, tools' models and batches; an
   * empty name for a model that cannot be determined. Called only where models are restricted.
   * @param body the parsed JSON body; undefined where the body is not JSON
   */
  namedModels(operation: Operation, body: unknown): readonly string[]
  /** The body's members that {@link namedModels} reads, none of which may be ambiguous. */
  readonly modelMembers: MemberWatch
  /**
   * Names the pool of requests with limits of their own (a service tier, batches) that a request belongs to, as far as
   * the request shows; '' for the model's common pool. One of few names: never contains the request's own text. Long
   * prompts make a further pool: see `promptPool`.
   * @param body as in `inspect` @param headers the caller's
   */
  pool(operation: Operation, body: unknown, headers: WireHeaders): string
  /** Prompts above this number of tokens have limits of their own. Absent: there are no such limits. */
  readonly longPromptTokens?: number
  /** Returns the body to send in place of `bytes`: the same buffer unless `inspection.addsUsage`. */
  outgoingBody(inspection: RequestInspection, body: unknown, bytes: Buffer): OutgoingBody
  /**
   * Returns whether a provider's error may be about what {@link outgoingBody} added. Absent where nothing is ever
   * added.
   * @param body the error's, uncompressed
   */
  refusesAddition?(status: number, body: Buffer): boolean
  /**
   * Returns a reader for one uncompressed 2xx response.
   * @param headers the response's: some providers report usage there
   */
  responseReader(operation: Operation, inspection: RequestInspection, headers?: WireHeaders): ResponseReader

  /** The provider's way of counting tokens against its own limits. */
  readonly limitCounting: LimitCounting
  /** Reads the provider's limits from a response's headers. Missing and unreadable parts are absent. */
  rateLimits(headers: WireHeaders, receivedAtMs: number): RateLimitReading[]
  /**
   * Reads limits from the body of a 429, only numbers and names: some providers report them nowhere else.
   * @param body the response's, uncompressed
   */
  rateLimitsInError(body: Buffer): RateLimitReading[]
  /** Returns the rate limit headers, the only ones that may be kept; undefined where there are none. */
  rateLimitHeaders(headers: WireHeaders): Record<string, string> | undefined
  /**
   * Returns how long a 429 asks to wait from `receivedAtMs` (Unix milliseconds); undefined where it does not say.
   * @param body the response's, uncompressed and as far as it was read: some providers report the time there
   */
  retryAfterMs(headers: WireHeaders, receivedAtMs: number, body?: Buffer): number | undefined

  /** Formats a gateway error as the provider would, so that the provider's SDK raises its typed error. */
  errorResponse(error: ErrorToFormat): ErrorResponse

  /** OpenAI's API in front of the provider. */
  readonly unified: UnifiedApi
}

/** A body to send. */
export interface OutgoingBody {
  readonly bytes: Buffer
  /** The gateway's addition. Absent: nothing was added. */
  readonly addition?: BodyAddition
}

/**
 * The difference between `bytes` and the application's body: `start` to `end` replace `replaced`. Plain data, because
 * bodies may be read in another thread.
 */
export interface BodyAddition {
  readonly start: number
  readonly end: number
  /** One character for each byte (latin1). */
  readonly replaced: string
}

/** A connection's config; secret fields are in holders that only {@link ProviderAdapter.authHeaders} opens. */
export type ProviderConfig = Readonly<Record<string, unknown>>

/** Holds a secret. Only the code that authenticates the upstream request calls `reveal`. */
export interface SecretHolder {
  reveal(): string
}

export interface Operation {
  /** The adapter's own name for it; opaque to others. */
  readonly kind: string
  /** It runs a model: the connection's allowed models apply, and tokens are reserved. */
  readonly usesModel: boolean
  /** An unknown operation that may run a model: any body may be its prompt. Set only beside `usesModel`. */
  readonly unlisted?: true
  /** It issues credentials, allows access past the gateway, or administers the account. */
  readonly administers?: true
  /**
   * The way an operation that is unlisted, or has no `usesModel`, names the model that it runs. Absent beside
   * `usesModel: false`: it runs none.
   */
  readonly runsModel?: ModelRuns
  /** `json`: it takes no other type. */
  readonly body: 'json' | 'any'
  /** A body without a content type is JSON. */
  readonly untypedIsJson?: true
  /** Relative to the base URL. */
  readonly path: string
  /** The model, where the path and not the body names it. */
  readonly model?: string
  /** The provider's id of the background response that it retrieves or cancels. */
  readonly backgroundId?: string
}

/**
 * The way an operation outside the provider's usual ones runs a model, now or later: one that the request names
 * (`named`), or one that it does not show (`unknown`), as in a batch's file. The connection's allowed models apply.
 */
type ModelRuns = 'named' | 'unknown'

/** Everything that a request shows before it is sent. */
export interface RequestInspection {
  /** Empty where the request names none or cannot be read. */
  readonly model: string
  readonly streamed: boolean
  /**
   * UTF-8 bytes of what the model reads as text, without the JSON around it, media, sealed reasoning and {@link
   * toolTokens}. Text that costs more than prose, such as code, counts as the number of bytes of prose with the same
   * cost.
   */
  readonly promptBytes: number
  /** Bytes per token of this family of models, until something is learned; absent where unknown. */
  readonly bytesPerToken?: number
  /** Tokens around the text: for messages, tool calls and their results. */
  readonly frameTokens?: number
  /** Expected tokens of tool definitions and the response schema, with the prompt that the provider adds for them. */
  readonly toolTokens?: number
  /** Bytes of encrypted reasoning, not part of {@link promptBytes}. Some providers count its content, some do not. */
  readonly sealedBytes?: number
  /** Number of images, audio clips and files in the prompt, inline or by reference. */
  readonly mediaParts: number
  /** Expected tokens of the media, where more is known than their number. */
  readonly mediaTokens?: number
  /**
   * The prompt continues something that the provider stores, such as an earlier response: its bytes are only a part.
   */
  readonly hasStoredPrompt?: boolean
  /** The provider adds to the prompt, for example results of its own tools: its bytes are only a part. */
  readonly providerAddsInput?: boolean
  /** The output maximum that the request states, in tokens per output; absent where it states none. */
  readonly maxOutputTokens?: number
  /** The parameter that states it, as the caller wrote it; absent where the request does not state it. */
  readonly maxOutputParameter?: string
  /** The number of outputs that the request asks for. */
  readonly outputs: number
  /** The response is generated in the background, whether or not the caller waits for it. */
  readonly inBackground?: boolean
  /** The stream would not report its usage: the gateway requests it, and removes what that adds to the response. */
  readonly addsUsage: boolean
}

/** Reads one response as it streams through. */
export interface ResponseReader {
  /** Takes the next bytes; returns those to send now: the same buffer unless something is removed. */
  push(chunk: Buffer): Buffer
  /** Call when the response ended or was aborted. Returns the remaining bytes. */
  end(): Buffer
  /** The reported usage; complete after `end`. */
  readonly usage: TokenUsage | undefined
  /** The reported usage where only the input or only the output is known. */
  readonly partialUsage?: PartialUsage | undefined
  /** Responses to this operation always report usage: a complete one without it was not understood. */
  readonly reportsUsage?: boolean
  /**
   * The usage includes input that was not in the request: results of the provider's tools, or a prompt that the
   * provider changed.
   */
  readonly providerAddedInput?: boolean
  /** Output tokens streamed so far, as counted here and not by the provider. */
  readonly outputTokensSeen: number
  /**
   * The HTTP status of an error inside the response, after its 2xx: 429 where the provider throttles in mid-stream.
   * Absent where there was none, and for providers that send none.
   */
  readonly errorStatus?: number | undefined
  /** The background response that this one is about; absent from all others. Complete after `end`. */
  readonly background?: BackgroundReading | undefined
}

/** A response's report of a background response. */
export interface BackgroundReading {
  /** The provider's id. */
  readonly id: string
  /** Its usage so far, which belongs to the request that began it; absent in the response to that request itself. */
  readonly usage?: PartialUsage | undefined
}

/** Usage with only the input or only the output known. */
export interface PartialUsage extends Omit<TokenUsage, 'inputTokens' | 'outputTokens'> {
  readonly inputTokens?: number | undefined
  readonly outputTokens?: number | undefined
}

export interface ErrorToFormat {
  readonly code: ErrorCode
  readonly status: number
  readonly message: string
  readonly requestId: string
  readonly retryAfterMs?: number
  /** The connection's limit that caused a `capacity_exceeded`. */
  readonly limit?: { readonly period: Period; readonly metric: Metric; readonly limit: number }
  /** The request's parameter at fault, if any. */
  readonly param?: string
}

export interface ErrorResponse {
  /** Headers that describe the body, such as its content type. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}
