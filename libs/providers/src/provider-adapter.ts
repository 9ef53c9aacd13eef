import type { ErrorCode, Metric, Period, ProviderId, RateLimitReading, TokenUsage } from '@sluice/contracts'
import type { LimitCounting } from './limits.ts'
import type { MemberWatch } from './naming/ambiguous-member.ts'
import type { UnifiedApi } from './unified-api.ts'

/**
 * What is known about one provider's HTTP API. An adapter does no I/O, has no state and reads no clock; what it is given
 * comes from outside, so its readers never throw, whatever the shape.
 */
export interface ProviderAdapter {
  readonly id: ProviderId
  /** Lower-case names of callers' headers that never go on, as the connection alone decides them. */
  readonly connectionHeaders: ReadonlySet<string>

  /** Where the API of a connection is: the config's `baseUrl`, or else the provider's own address. No slash at the end. */
  baseUrl(config: ProviderConfig): string
  /**
   * Returns what a call of `path` (without query, as the provider's SDK sends it) does, or undefined where the provider has no such path.
   * A path that a base URL made wrong is put right: the operation is that of the path that it names, which alone counts from then on.
   * @param basePath that of the connection's base URL, where another API may be mounted beside the provider's; as the provider's own if absent
   */
  operation(method: string, path: string, basePath?: string): Operation | undefined
  /**
   * How a request shows that it comes from the connection: `headers`, by {@link authHeaders} alone; `sigv4`, by a signature of
   * the whole request with temporary credentials of the connection's role (AWS Signature Version 4), and there are no headers.
   */
  readonly signing: 'headers' | 'sigv4'
  /** @throws SluiceError `credential_unavailable` when the secret field that the provider needs is not there */
  authHeaders(config: ProviderConfig): Readonly<Record<string, string>>

  /** @param body the parsed JSON body; undefined where the body is not JSON @param sizeBytes the body's length */
  inspect(operation: Operation, body: unknown, sizeBytes: number): RequestInspection
  /**
   * Every model that the body or path of a request names, where it names several as fallbacks, for tools or in a batch; an empty name for
   * one that cannot be told. Asked only where models are restricted.
   * @param body the parsed JSON body; undefined where the body is not JSON
   */
  namedModels(operation: Operation, body: unknown): readonly string[]
  /** The members of a body by which {@link namedModels} goes, none of which may be ambiguous. */
  readonly modelMembers: MemberWatch
  /**
   * Names the part of the model's requests for which the provider has limits of its own (a service tier, batches), as far as the request
   * tells; '' for the common one. One of few names: nothing that the request says is in it as it is. Long prompts make a further one:
   * see `pool-name.ts`.
   * @param body as of `inspect` @param headers the caller's
   */
  pool(operation: Operation, body: unknown, headers: WireHeaders): string
  /** Prompts of more tokens have limits of their own. Absent: none have. */
  readonly longPromptTokens?: number
  /** Returns the body to send in place of `bytes`: the same buffer unless `inspection.addsUsage`. */
  outgoingBody(inspection: RequestInspection, body: unknown, bytes: Buffer): OutgoingBody
  /**
   * Returns whether an error of the provider's may be about what {@link outgoingBody} added. Absent where nothing is ever added.
   * @param body the error's, not compressed
   */
  refusesAddition?(status: number, body: Buffer): boolean
  /**
   * A reader for one answer of status 2xx, not compressed.
   * @param headers the answer's: some providers tell the usage there
   */
  responseReader(operation: Operation, inspection: RequestInspection, headers?: WireHeaders): ResponseReader

  /** How the provider counts tokens against its own limits. */
  readonly limitCounting: LimitCounting
  /** What the answer's headers say of the provider's limits. What they do not say, or not legibly, is absent. */
  rateLimits(headers: WireHeaders, receivedAtMs: number): RateLimitReading[]
  /**
   * What the body of a 429 says of them, numbers and names alone: some providers tell limits nowhere else.
   * @param body the answer's, not compressed
   */
  rateLimitsInError(body: Buffer): RateLimitReading[]
  /** The headers on rate limits, of which nothing else may be kept; undefined where there are none. */
  rateLimitHeaders(headers: WireHeaders): Record<string, string> | undefined
  /**
   * How long a 429 asks to wait, from `receivedAtMs` (Unix milliseconds); undefined where it does not say.
   * @param body the answer's, as far as it is known and not compressed: some providers tell the time there
   */
  retryAfterMs(headers: WireHeaders, receivedAtMs: number, body?: Buffer): number | undefined

  /** An error of the gateway's own, in the provider's format, so that the provider's SDK raises its typed error. */
  errorResponse(error: ErrorToFormat): ErrorResponse

  /** OpenAI's API in front of the provider. */
  readonly unified: UnifiedApi
}

/** A body to send. */
export interface OutgoingBody {
  readonly bytes: Buffer
  /** What the gateway added of its own. Absent: nothing. */
  readonly addition?: BodyAddition
}

/** Where `bytes` differ from what the application sent: from `start` to `end` in place of `replaced`. Plain data, as bodies may be read in another thread. */
export interface BodyAddition {
  readonly start: number
  readonly end: number
  /** One character for each byte (latin1). */
  readonly replaced: string
}

/** Headers as Node and undici give them: names in lower case. */
export type WireHeaders = Readonly<Record<string, string | string[] | undefined>>

/** A connection's config with its secret fields, in holders that only {@link ProviderAdapter.authHeaders} opens. */
export type ProviderConfig = Readonly<Record<string, unknown>>

/** Holds a secret; `reveal` is for the place where the upstream request is signed. */
export interface SecretHolder {
  reveal(): string
}

export interface Operation {
  /** The provider's own name for it, of which only the adapter knows the meaning. */
  readonly kind: string
  /** It runs a model: the connection's allowed models apply, and tokens are reserved for it. */
  readonly usesModel: boolean
  /** Of one that uses a model: nothing is known of it but that it is not known to run none. Any body may be its prompt. */
  readonly unlisted?: true
  /** The provider hands out credentials with it, or leave to go past the gateway, or administers the account. */
  readonly administers?: true
  /** Of one that is unlisted or does not use a model in that sense: how its model is named. Absent of the latter: it runs none. */
  readonly runsModel?: ModelRuns
  /** `json`: it takes nothing else. */
  readonly body: 'json' | 'any'
  /** A body whose type is not stated is JSON. */
  readonly untypedIsJson?: true
  /** Relative to the base URL. */
  readonly path: string
  /** Where the path names the model, not the body. */
  readonly model?: string
  /** It asks for a response that may have been made in the background: the provider's id of that. */
  readonly backgroundId?: string
}

/**
 * How an operation that is not one of the provider's usual ones makes a model run, at once or later: the one that the request names
 * (`named`), or one that the request cannot tell (`untold`), as of a batch's file. The connection's allowed models apply to it, too.
 */
export type ModelRuns = 'named' | 'untold'

/** What can be told of a request before it is sent. */
export interface RequestInspection {
  /** Empty where the request names none, or it cannot be read. */
  readonly model: string
  readonly streamed: boolean
  /**
   * UTF-8 bytes of what the model reads as text: not the JSON around it, media, sealed reasoning, or {@link toolTokens}. Text that is denser
   * than prose, such as code, counts with as many bytes as prose of its cost has.
   */
  readonly promptBytes: number
  /** How many bytes make a token with models of this family, before anything is learned; absent where nothing is known. */
  readonly bytesPerToken?: number
  /** Tokens around the text, whatever it is: of messages, tool calls and their results. */
  readonly frameTokens?: number
  /** What the definitions of tools and the schema for the response are expected to cost, with the prompt that the provider adds for them. */
  readonly toolTokens?: number
  /** Reasoning that only the provider can open; not part of {@link promptBytes}. Some providers count what is in it, some do not. */
  readonly sealedBytes?: number
  /** Images, audio clips and files in the prompt, inlined or referred to. */
  readonly mediaParts: number
  /** What the media cost the prompt, where more is known of them than their number. */
  readonly mediaTokens?: number
  /** The prompt goes on from what the provider keeps, such as an earlier response: its bytes tell only a part. */
  readonly hasStoredPrompt?: boolean
  /** The provider adds to the prompt what the request does not hold, as its own tools find it: the bytes tell only a part. */
  readonly providerAddsInput?: boolean
  /** The most tokens that one output may have by the request; absent where it states no maximum. */
  readonly maxOutputTokens?: number
  /** The parameter that states it, as the caller wrote it; absent where it is not the request that does. */
  readonly maxOutputParameter?: string
  /** How many outputs are asked for. */
  readonly outputs: number
  /** The provider is to make the response in the background, whether or not anybody waits for it. */
  readonly inBackground?: boolean
  /** The answer would not tell its usage: the gateway asks for it, and takes out of the answer what that adds. */
  readonly addsUsage: boolean
}

/** Reads one answer as it passes by. */
export interface ResponseReader {
  /** Takes the next bytes; gives those to pass on now, which are the same buffer unless something is taken out. */
  push(chunk: Buffer): Buffer
  /** The answer ended, or was broken off: gives the bytes that are still to be passed on. */
  end(): Buffer
  /** What the answer has told of its usage; complete after `end`. */
  readonly usage: TokenUsage | undefined
  /** What it has told of its usage where that is not all: either the input or the output. */
  readonly partialUsage?: PartialUsage | undefined
  /** Responses to the operation report their usage: one that came to its end without it has not been understood. */
  readonly reportsUsage?: boolean
  /** The usage is of input, too, that the request did not hold: the provider's own tools found it, or the provider changed the prompt. */
  readonly providerAddedInput?: boolean
  /** Output tokens that have passed by, as far as they can be counted without the provider telling. */
  readonly outputTokensSeen: number
  /**
   * The HTTP status that belongs to an error which came inside the answer, after its 2xx had been sent: 429 where the provider
   * throttles in mid-stream. Absent where none came, and from readers of providers that send none.
   */
  readonly errorStatus?: number | undefined
  /** Which response of those that the provider makes in the background this one is about. Absent from all others; complete after `end`. */
  readonly background?: BackgroundReading | undefined
}

/** What is read of a response that the provider makes in the background. */
export interface BackgroundReading {
  /** The provider's id of it. */
  readonly id: string
  /** What it has used so far, where it is not the response of the request that began it: then it is that request's usage. */
  readonly usage?: PartialUsage | undefined
}

/** Usage of which only the input or only the output is known. */
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
  /** The connection's limit that a `capacity_exceeded` is about. */
  readonly limit?: { readonly period: Period; readonly metric: Metric; readonly limit: number }
  /** The parameter of the request that it is about, where it is about one. */
  readonly param?: string
}

export interface ErrorResponse {
  /** Those of the body, such as its content type. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}
