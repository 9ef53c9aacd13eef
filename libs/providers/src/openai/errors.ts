import type { ErrorResponse, ErrorToFormat } from '../provider-adapter.ts'
import type { TranslatedError } from '../unified-api.ts'
import { isRecord, parseJson, tokenCount } from '../wire/json.ts'
import { type Mentions, mayHoldError } from '../wire/json-members.ts'

/**
 * An error as OpenAI sends it, of which its SDKs make `AuthenticationError`, `RateLimitError` and the rest, by status.
 * @see https://platform.openai.com/docs/guides/error-codes
 */
export function openAiErrorResponse({ code, status, message, param }: ErrorToFormat): ErrorResponse {
  return {
    headers: JSON_HEADERS,
    body: JSON.stringify({ error: { message, type: openAiErrorType(status), param: param ?? null, code } }),
  }
}

/** The `type` of an error, by its status. */
export function openAiErrorType(status: number): string {
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}

/**
 * Returns the status that goes with the `error` inside a 2xx. OpenAI's has none, but a word; other servers have the status as its `code`
 * (OpenRouter, vLLM, Gemini), as a number or as text, or beside the error, or one error in another. 500 where nothing says which.
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
  for (const told of [code, status, statusCode]) {
    const number = tokenCount(told)
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

/** Returns whether an `error` says something: an object with a member that does, or text. */
export function isPresentError(error: unknown): boolean {
  return isRecord(error) ? Object.values(error).some(isSomething) : typeof error === 'string' && error !== ''
}

/** Some servers have an error that consists of nulls where there is none. */
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
 * Returns the status that goes with the error which an event's data, or a document that came with 200, hold; undefined where they hold
 * none. A chat of OpenAI's ends with an `error` in place of choices, one of OpenRouter's beside them, or in one, or with the finish reason
 * `error`; one of Groq's with one in its `x_groq`; a response with an event of type `error`, or `response.failed`; other servers send an
 * object that is an `error` as a whole.
 * @see https://platform.openai.com/docs/api-reference/responses-streaming/error
 * @see https://openrouter.ai/docs/api-reference/errors#error-response-shape
 * @see https://github.com/groq/groq-typescript/blob/main/src/resources/chat/completions.ts on `x_groq.error`
 */
export function streamErrorStatus(data: Buffer, mentions?: Mentions): number | undefined {
  return mayHoldError(data, mentions) ? errorStatusIn(parseJson(data)) : undefined
}

/** The same of data that are parsed. */
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

/** Returns the status of the error that an event is by its name, whatever its data. */
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
 * An error answer that is not in OpenAI's format, as a proxy on the way gives it, or a server that speaks OpenAI's API but for its
 * errors: its status and, where that is short text, its words. Undefined where the body has an `error`, as OpenAI's have.
 */
export function foreignError(status: number, body: Buffer): TranslatedError | undefined {
  const answer = parseJson(body)
  if (isRecord(answer) && (isRecord(answer.error) || typeof answer.error === 'string')) return undefined
  const words = shown(isRecord(answer) && typeof answer.message === 'string' ? answer.message : textOf(body))
  const what = `The provider answered with status ${status}`
  return { message: words === '' ? `${what}.` : `${what}: ${words}`, code: null }
}

const MAX_SHOWN_CHARS = 200

/** As much of it as can be shown, and a little more: white space is yet to be left out. */
function textOf(body: Buffer): string {
  return body.toString('utf8', 0, 8 * MAX_SHOWN_CHARS)
}

/** One line of text, cut short; empty where it is HTML or the like, or no text at all. */
function shown(text: string): string {
  if (MARKUP.test(text) || NOT_TEXT.test(text)) return ''
  const line = text.replaceAll(/\s+/g, ' ').trim()
  const chars = [...line]
  return chars.length <= MAX_SHOWN_CHARS ? line : `${chars.slice(0, MAX_SHOWN_CHARS).join('').trimEnd()}…`
}

const MARKUP = /<[a-z!/?]/i
const NOT_TEXT = /[^\P{Cc}\s]|\ufffd(?!$)/u

/**
 * Returns whether an error of a server that speaks OpenAI's API may be about `stream_options.include_usage`: it names the member, or says that
 * the body has a member too many without naming which.
 * @param body the error's, not compressed
 * @see https://docs.pydantic.dev/latest/errors/validation_errors/#extra_forbidden, as Mistral and servers built with FastAPI refuse it
 */
export function refusesStreamUsage(status: number, body: Buffer): boolean {
  if (NEVER_ABOUT_BODY.has(status) || status < 400 || status > 501) return false
  const text = body.toString('utf8', 0, MAX_READ_BYTES)
  if (NAMED.test(text)) return true
  return ABOUT_BODY.has(status) && UNNAMED.test(text) && !OTHER_NAMED.test(text)
}

/** Not authenticated, not paid, not allowed, no such model, too slow, too many. */
const NEVER_ABOUT_BODY: ReadonlySet<number> = new Set([401, 402, 403, 404, 408, 429])
const ABOUT_BODY: ReadonlySet<number> = new Set([400, 422])
const MAX_READ_BYTES = 64 * 1024
const NAMED = /stream_?options|include_?usage/i
const UNNAMED =
  /\bextra (?:inputs?|fields?|parameters?|keys?)\b|\bextra_forbidden\b|\badditional ?propert(?:y|ies)\b|\b(?:unknown|unrecogni[sz]ed|unsupported|unexpected) (?:[a-z]+ )?(?:fields?|parameters?|params?|arguments?|keys?|propert(?:y|ies)|options?|members?)\b/i
/** OpenAI's `param` and FastAPI's `loc` name the member that an error is about. */
const OTHER_NAMED = /"param"\s*:\s*"[^"]|"loc"\s*:\s*\[/
