import type { TranslatedError } from '../unified-api.ts'
import { isRecord } from '../wire/is-record.ts'
import { parseJson } from '../wire/parse-json.ts'

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
