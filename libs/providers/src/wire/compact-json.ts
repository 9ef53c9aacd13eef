import { endOfString } from './json-member.ts'

/** Returns JSON text without the white space between its tokens. @param text well-formed */
export function compactJson(text: string): string {
  let compact = ''
  let from = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = closingQuote(text, at)
    } else if (code <= SPACE) {
      compact += text.slice(from, at)
      from = at + 1
    }
  }
  return from === 0 ? text : compact + text.slice(from)
}

/**
 * Finds where the object that begins at `start` ends, and its text without the white space between its tokens.
 * @param json well-formed there
 */
export function compactObject(json: Buffer, start: number): { readonly end: number; readonly text: string } {
  let depth = 0
  let spaces = 0
  let end = start
  do {
    const byte = json[end]
    if (byte === undefined) break
    if (byte === QUOTE) {
      const after = endOfString(json, end)
      end = after < 0 ? json.length : after
      continue
    }
    if (byte <= SPACE) spaces++
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--
    end++
  } while (depth > 0)
  return { end, text: spaces === 0 ? json.toString('utf8', start, end) : withoutSpaces(json, start, end) }
}

function withoutSpaces(json: Buffer, start: number, end: number): string {
  const compact = Buffer.allocUnsafe(end - start)
  let length = 0
  for (let at = start; at < end; at++) {
    const byte = json[at] ?? SPACE
    if (byte === QUOTE) {
      const after = endOfString(json, at)
      for (; at < after - 1; at++) compact[length++] = json[at] ?? SPACE
      compact[length++] = QUOTE
    } else if (byte > SPACE) {
      compact[length++] = byte
    }
  }
  return compact.toString('utf8', 0, length)
}

/** Strings may be long and have many quotes in them: each backslash is looked at once. */
function closingQuote(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let first = quote
    while (text.charCodeAt(first - 1) === BACKSLASH) first--
    if ((quote - first) % 2 === 0) return quote
  }
  return text.length
}

/** White space in JSON is the space and what stands before it; nothing else outside strings does. */
const SPACE = 0x20
const QUOTE = 0x22
const OPEN_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
