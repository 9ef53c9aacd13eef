import { SNIFFED_BYTES, sniffMediaType, usualMediaType } from '../wire/media-type.ts'

/** The content of a data URL. */
export interface InlineData {
  /** The stated media type under its usual name; empty where there is none. */
  readonly label: string
  /** The media type that the first bytes show; undefined where they are not recognized. */
  readonly sniffed: string | undefined
  /** Standard alphabet, padded, without white space, as providers require it. */
  readonly base64: string
}

/**
 * Parses a data URL, base64 or percent-encoded; undefined where it is not one, or is empty. Base64 may contain white
 * space and escapes, use the URL-safe alphabet, and lack padding.
 * @see RFC 2397 and RFC 4648, sections 4 and 5
 */
export function readDataUrl(url: string): InlineData | undefined {
  if (!/^\s*data:/i.test(url.slice(0, MAX_INDENT))) return undefined
  const comma = url.indexOf(',')
  if (comma < 0 || comma > MAX_HEAD_LENGTH) return undefined
  const head = url.slice(url.indexOf(':') + 1, comma)
  const data = url.slice(comma + 1)
  const base64 = /;\s*base64\s*$/i.test(head) ? usualBase64(unescaped(data)) : encoded(data)
  return base64 === undefined ? undefined : inlineData(usualMediaType(head), base64)
}

/** Parses bare base64 without a URL around it; undefined where it is not base64. */
export function readBareBase64(text: string): InlineData | undefined {
  const base64 = usualBase64(text)
  return base64 === undefined ? undefined : inlineData('', base64)
}

function inlineData(label: string, base64: string): InlineData {
  const head = Buffer.from(base64.slice(0, Math.ceil(SNIFFED_BYTES / 3) * 4), 'base64')
  return { label, sniffed: sniffMediaType(head), base64 }
}

/** Returns standard padded base64; undefined where the text is not base64, or empty. */
function usualBase64(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  if (text.length % 4 === 0 && BASE64.test(text)) return text
  const letters = withoutPadding(text.replace(/\s+/g, '').replaceAll('-', '+').replaceAll('_', '/'))
  if (letters.length % 4 === 1) return undefined
  const padded = letters.padEnd(Math.ceil(letters.length / 4) * 4, '=')
  return BASE64.test(padded) ? padded : undefined
}

/** A loop, because a regular expression anchored at the end takes quadratic time on long runs of "=". */
function withoutPadding(text: string): string {
  let end = text.length
  while (text[end - 1] === '=') end--
  return text.slice(0, end)
}

/** Resolves escapes; undefined where one is malformed. */
function unescaped(text: string): string | undefined {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Converts percent-encoded bytes to base64; undefined where there are none, or an escape is malformed. */
function encoded(text: string): string | undefined {
  if (text === '' || BROKEN_ESCAPE.test(text)) return undefined
  const bytes = Buffer.from(text, 'utf8').toString('latin1')
  const raw = bytes.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(raw, 'latin1').toString('base64')
}

/** Characters of white space accepted before the scheme. */
const MAX_INDENT = 64
/** Longest accepted text before the comma; bounds the time to parse it. */
const MAX_HEAD_LENGTH = 1_024
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
const BROKEN_ESCAPE = /%(?![0-9a-f]{2})/i
