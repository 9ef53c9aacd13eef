import { isRecord } from '../wire/json.ts'

/** The images, audio clips and files of a prompt, inline or by reference. */
export interface MediaTally {
  readonly parts: number
  /** Expected tokens. */
  readonly tokens: number
  /** Bytes of their base64 in the body, which the model does not read as text. */
  readonly inlinedBytes: number
}

/** The way a content part counts. */
export interface PartReading {
  /** Undefined where the part is not a medium. */
  readonly inlinedBytes?: number | undefined
  /** Expected tokens of the medium, where more is known than that it is one. */
  readonly tokens?: number
  /** Parts inside it, as in a tool result. */
  readonly within?: unknown
}

/** Sums the media of content parts and of parts inside them. Never throws, whatever the shape. */
export function tallyMedia(
  parts: unknown,
  readPart: (part: Readonly<Record<string, unknown>>) => PartReading,
  levels = MAX_LEVELS,
): MediaTally {
  if (!Array.isArray(parts) || levels === 0) return NO_MEDIA
  let tally = NO_MEDIA
  for (const part of parts) {
    if (!isRecord(part)) continue
    const { inlinedBytes, tokens = MEDIUM_TOKENS, within } = readPart(part)
    if (inlinedBytes !== undefined) tally = addMedia(tally, { parts: 1, tokens, inlinedBytes })
    if (within !== undefined) tally = addMedia(tally, tallyMedia(within, readPart, levels - 1))
  }
  return tally
}

/** The reading of a part without media. */
export const NO_PART: PartReading = {}

export const NO_MEDIA: MediaTally = { parts: 0, tokens: 0, inlinedBytes: 0 }

export function addMedia(a: MediaTally, b: MediaTally): MediaTally {
  return { parts: a.parts + b.parts, tokens: a.tokens + b.tokens, inlinedBytes: a.inlinedBytes + b.inlinedBytes }
}

/** Tokens of a medium of which no more is known: about those of a 1,024 by 1,024 image at high detail. */
export const MEDIUM_TOKENS = 800

/**
 * Estimates the tokens of a file by its size: one unit (a page of a document, a second of a recording) per `unitBytes`.
 * At least one unit and at most 20, because the size says little and a guess must not fill a window.
 * @param base64Bytes 0 where the file is a reference
 */
export function tokensBySize(base64Bytes: number, { unitBytes, unitTokens }: SizedCost): number {
  const units = Math.ceil((base64Bytes * 3) / 4 / unitBytes)
  return Math.min(20, Math.max(1, units)) * unitTokens
}

/**
 * Estimates the tokens of an inline file: text by its bytes, any other by {@link tokensBySize}.
 * @param kind media type, file name or extension; '' where unknown
 */
export function fileTokens(kind: string, base64Bytes: number, cost: SizedCost): number {
  const isText = base64Bytes > 0 && TEXT_FILE.test(kind)
  return isText ? Math.ceil((base64Bytes * 3) / 4 / TEXT_FILE_BYTES_PER_TOKEN) : tokensBySize(base64Bytes, cost)
}

/** Matches for example `text/csv; charset=utf-8`, `application/ld+json`, `notes.md`, `csv`. */
const TEXT_FILE =
  /^text\/|(?:^|[/+.]|x-)(?:json|jsonl|ndjson|xml|csv|tsv|txt|md|markdown|html?|ya?ml|toml|ini|log|sql|javascript|typescript|ecmascript|sh|[cm]?[jt]sx?|py|python|java|go|rs|rb|php|c|h|cpp|cs|css|tex)(?:$|[;\s])/i
/** For code, tables and prose together; rather too many tokens than too few. */
const TEXT_FILE_BYTES_PER_TOKEN = 3

/** Estimated tokens per so many bytes of a file. */
export interface SizedCost {
  readonly unitBytes: number
  readonly unitTokens: number
}

/** Returns the length of a text member (base64 has one byte per character); 0 for any other value. */
export function textLength(holder: unknown, name: string): number {
  const value = isRecord(holder) ? holder[name] : undefined
  return typeof value === 'string' ? value.length : 0
}

/** The deepest nesting of any provider: a message, a tool result in it, a document in that, and its parts. */
const MAX_LEVELS = 4
