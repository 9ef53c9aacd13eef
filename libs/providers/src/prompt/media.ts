import { isRecord } from '../wire/json.ts'

/** The images, audio clips and files of a prompt, inlined or referred to. */
export interface MediaTally {
  readonly parts: number
  /** What they are expected to cost. */
  readonly tokens: number
  /** How much of the body is their base64, which is no text to the model. */
  readonly inlinedBytes: number
}

/** What one content part is. */
export interface PartReading {
  /** Undefined where the part is no medium. */
  readonly inlinedBytes?: number | undefined
  /** What the medium is expected to cost, where more is known than that it is one. */
  readonly tokens?: number
  /** Parts within it, such as a tool's result holds. */
  readonly within?: unknown
}

/** Adds up the media of content parts and of those within them. Never throws, whatever the shape. */
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

/** A part that is no medium and holds none. */
export const NO_PART: PartReading = {}

export const NO_MEDIA: MediaTally = { parts: 0, tokens: 0, inlinedBytes: 0 }

export function addMedia(a: MediaTally, b: MediaTally): MediaTally {
  return { parts: a.parts + b.parts, tokens: a.tokens + b.tokens, inlinedBytes: a.inlinedBytes + b.inlinedBytes }
}

/** Where no more is known: about what a 1,024 by 1,024 image costs at high detail. */
export const MEDIUM_TOKENS = 800

/**
 * About what a file costs of which only the size is known: a page of a document, or a second of a recording, for each so many bytes. At
 * least one, and at most 20, as a size says little and a guess is not to fill a window.
 * @param base64Bytes 0 where the file is referred to
 */
export function tokensBySize(base64Bytes: number, { unitBytes, unitTokens }: SizedCost): number {
  const units = Math.ceil((base64Bytes * 3) / 4 / unitBytes)
  return Math.min(20, Math.max(1, units)) * unitTokens
}

/**
 * About what an inlined file costs: one that is text counts with its own bytes, however many; of any other only the size is known.
 * @param kind what says which it is: its media type, a name or the ending of one; '' where nothing does
 */
export function fileTokens(kind: string, base64Bytes: number, cost: SizedCost): number {
  const isText = base64Bytes > 0 && TEXT_FILE.test(kind)
  return isText ? Math.ceil((base64Bytes * 3) / 4 / TEXT_FILE_BYTES_PER_TOKEN) : tokensBySize(base64Bytes, cost)
}

/** Such as `text/csv; charset=utf-8`, `application/ld+json`, `notes.md`, `csv`. */
const TEXT_FILE =
  /^text\/|(?:^|[/+.]|x-)(?:json|jsonl|ndjson|xml|csv|tsv|txt|md|markdown|html?|ya?ml|toml|ini|log|sql|javascript|typescript|ecmascript|sh|[cm]?[jt]sx?|py|python|java|go|rs|rb|php|c|h|cpp|cs|css|tex)(?:$|[;\s])/i
/** Of code, tables and prose together, to the side of more tokens. */
const TEXT_FILE_BYTES_PER_TOKEN = 3

/** What each so many bytes of a file are taken to cost. */
export interface SizedCost {
  readonly unitBytes: number
  readonly unitTokens: number
}

/** The length of a member that is text (base64, which has a byte for each character); 0 where it is none. */
export function textLength(holder: unknown, name: string): number {
  const value = isRecord(holder) ? holder[name] : undefined
  return typeof value === 'string' ? value.length : 0
}

/** A message, a tool's result in it, a document in that, and its parts: no provider nests deeper. */
const MAX_LEVELS = 4
