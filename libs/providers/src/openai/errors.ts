import type { ErrorResponse, ErrorToFormat } from '../provider-adapter.ts'
import type { TranslatedError } from '../unified-api.ts'
import { isRecord, parseJson, tokenCount } from '../wire/json.ts'
import { type Mentions, mayHoldError } from '../wire/mentions.ts'

/**
 * Formats an error as OpenAI does: by status, its SDKs raise `AuthenticationError`, `RateLimitError` and the rest.
 * @see https://platform.openai.com/docs/guides/error-codes
 */
export function openAiErrorResponse({ code, status, message, param }: ErrorToFormat): ErrorResponse {
  return {
    headers: JSON_HEADERS,
    body: JSON.stringify({ error: { message, type: openAiErrorType(status), param: param ?? null, code } }),
  }
}

/** Returns OpenAI's error `type` for a status. */
export function openAiErrorType(status: number): string {
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}

/**
 * Returns the status of an `error` inside a 2xx. OpenAI's errors have a word instead of a status; other servers have
 * the status as `code` (OpenRouter, vLLM, Gemini), as a number or text, beside the error, or in a nested error. 500
 * where none is found.
 * @param around the object that the error is a member of
 * @see https://openrouter.ai/docs/api-reference/errors
 */
export function openAiErrorStatus(error: unknown, around?: unknown): number {
  return statusIn(error) ?? statusIn(around) ?? 500
}

function statusIn(error: unknown): number | undefined {
  if (typeof error === 'string') return statusOfWord(error)
  if (!isRecord(error)) return undefined
  const { type, code, status, status_code: statusCode, error: inner } = error
  for (const reported of [code, status, statusCode]) {
    const number = tokenCount(reported)
    if (number !== undefined && number >= 400 && number <= 599) return number
  }
  for (const word of [code, type, status]) {
    const known = typeof word === 'string' ? statusOfWord(word) : undefined
    if (known !== undefined) return known
  }
  return isRecord(inner) && inner !== error ? statusIn(inner) : undefined
}

/** `Too many requests`, `TOO_MANY_REQUESTS` and `too-many-requests` are the same. */
function statusOfWord(word: string): number | undefined {
  return STATUSES.get(word.slice(0, MAX_WORD_CHARS).toLowerCase().replace(NO_WORD_END, '').replaceAll(NO_WORD, '_'))
}

/** Returns whether an `error` is present: text, or an object with a member that is not empty. */
export function isPresentError(error: unknown): boolean {
  return isRecord(error) ? Object.values(error).some(isSomething) : typeof error === 'string' && error !== ''
}

/** Some servers send an error made of nulls where there is none. */
function isSomething(value: unknown): boolean {
  return value !== null && value !== undefined && value !== ''
}

const MAX_WORD_CHARS = 64
const NO_WORD = /[^a-z0-9]+/g
const NO_WORD_END = /[^a-z0-9]+$/

const STATUSES: ReadonlyMap<string, number> = new Map([
  ['rate_limit_error', 429],
  ['rate_limit_exceeded', 429],
  ['insufficient_quota', 429],
  ['too_many_requests', 429],
  ['resource_exhausted', 429],
  ['invalid_request_error', 400],
  ['invalid_argument', 400],
  ['authentication_error', 401],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['rate_limited', 429],
  ['rate_limit', 429],
  ['overloaded_error', 503],
  ['unavailable', 503],
])

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' }

/**
 * Returns the status of an error inside an event's data, or inside a document sent with 200; undefined where there is
 * none. The error is: in OpenAI's chat an `error` in place of choices; in OpenRouter's one beside or inside the
 * choices, or the finish reason `error`; in Groq's one in `x_groq`; in OpenAI's responses an event of type `error` or
 * `response.failed`; with other servers an object that is an `error` itself.
 * @see https://platform.openai.com/docs/api-reference/responses-streaming/error
 * @see https://openrouter.ai/docs/api-reference/errors#error-response-shape
 * @see https://github.com/groq/groq-typescript/blob/main/src/resources/chat/completions.ts on `x_groq.error`
 */
export function streamErrorStatus(data: Buffer, mentions?: Mentions): number | undefined {
  return mayHoldError(data, mentions) ? errorStatusIn(parseJson(data)) : undefined
}

/** Returns the status of an error in parsed data; see {@link streamErrorStatus}. */
export function errorStatusIn(event: unknown): number | undefined {
  if (!isRecord(event)) return undefined
  if (isPresentError(event.error)) return openAiErrorStatus(event.error, event)
  const { type, object, response, x_groq: groq, choices } = event
  for (const holder of [response, groq]) {
    if (isRecord(holder) && isPresentError(holder.error)) return openAiErrorStatus(holder.error)
  }
  if (type === 'error' || object === 'error') return openAiErrorStatus(event)
  return Array.isArray(choices) ? choiceErrorStatus(choices) : undefined
}

/** Returns the status of an event whose name is `error`, whatever its data. */
export function namedErrorStatus(data: Buffer): number {
  const event = parseJson(data)
  return errorStatusIn(event) ?? openAiErrorStatus(event)
}

function choiceErrorStatus(choices: readonly unknown[]): number | undefined {
  let hasFailed = false
  for (const choice of choices) {
    if (!isRecord(choice)) continue
    if (isPresentError(choice.error)) return openAiErrorStatus(choice.error)
    if (choice.finish_reason === 'error') hasFailed = true
  }
  return hasFailed ? 500 : undefined
}

/**
 * Translates an error response that is not in OpenAI's format, as proxies and some servers send it: its status and,
 * where it is short text, its message. Undefined where the body has an `error`, as OpenAI's format does.
 */
export function nonOpenAiError(status: number, body: Buffer): TranslatedError | undefined {
  const response = parseJson(body)
  if (isRecord(response) && (isRecord(response.error) || typeof response.error === 'string')) return undefined
  const words = shown(isRecord(response) && typeof response.message === 'string' ? response.message : textOf(body))
  const what = `The provider returned status ${status}`
  return { message: words === '' ? `${what}.` : `${what}: ${words}`, code: null }
}

const MAX_SHOWN_CHARS = 200

/** Decodes more than can be shown, because white space is removed later. */
function textOf(body: Buffer): string {
  return body.toString('utf8', 0, 8 * MAX_SHOWN_CHARS)
}

/** Returns one line of text, shortened; empty where it is markup or not text. */
function shown(text: string): string {
  if (MARKUP.test(text) || NOT_TEXT.test(text)) return ''
  const line = text.replaceAll(/\s+/g, ' ').trim()
  const chars = [...line]
  return chars.length <= MAX_SHOWN_CHARS ? line : `${chars.slice(0, MAX_SHOWN_CHARS).join('').trimEnd()}…`
}

const MARKUP = /<[a-z!/?]/i
const NOT_TEXT = /[^\P{Cc}\s]|\ufffd(?!$)/u

/**
 * Returns whether a server's error may be about `stream_options.include_usage`: it names that member, or rejects an
 * unexpected member without naming it.
 * @param body the error's, uncompressed
 * @see https://docs.pydantic.dev/latest/errors/validation_errors/#extra_forbidden for Mistral and servers built with
 * FastAPI
 */
export function refusesStreamUsage(status: number, body: Buffer): boolean {
  if (NEVER_ABOUT_BODY.has(status) || status < 400 || status > 501) return false
  const text = body.toString('utf8', 0, MAX_READ_BYTES)
  if (NAMED.test(text)) return true
  return ABOUT_BODY.has(status) && UNNAMED.test(text) && !OTHER_NAMED.test(text)
}

/** Authentication, payment, permission, unknown model, timeout, rate limit. */
const NEVER_ABOUT_BODY: ReadonlySet<number> = new Set([401, 402, 403, 404, 408, 429])
const ABOUT_BODY: ReadonlySet<number> = new Set([400, 422])
const MAX_READ_BYTES = 64 * 1024
const NAMED = /stream_?options|include_?usage/i
const UNNAMED =
  /\bextra (?:inputs?|fields?|parameters?|keys?)\b|\bextra_forbidden\b|\badditional ?propert(?:y|ies)\b|\b(?:unknown|unrecogni[sz]ed|unsupported|unexpected) (?:[a-z]+ )?(?:fields?|parameters?|params?|arguments?|keys?|propert(?:y|ies)|options?|members?)\b/i
/** OpenAI's `param` and FastAPI's `loc` name the member at fault. */
const OTHER_NAMED = /"param"\s*:\s*"[^"]|"loc"\s*:\s*\[/
