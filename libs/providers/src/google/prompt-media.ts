import { isRecord } from '../wire/is-record.ts'
import {
  addMedia,
  fileTokens,
  MEDIUM_TOKENS,
  type MediaTally,
  NO_PART,
  type PartReading,
  tallyMedia,
  textLength,
  tokensBySize,
} from '../wire/media-tally.ts'

/**
 * The media in a request to generate or to embed: parts of its contents, of its system instruction, and of function responses
 * in them. Never throws, whatever the shape.
 * @see https://ai.google.dev/api/caching#Part
 */
export function googleMedia(body: Readonly<Record<string, unknown>>): MediaTally {
  const { contents, requests, content, systemInstruction, system_instruction } = body
  return [contents, requests, [content, systemInstruction, system_instruction]]
    .map((parts) => tallyMedia(parts, readPart))
    .reduce(addMedia)
}

/** Members come in camel case, as the API answers, or in snake case, which it takes too. */
function readPart(part: Readonly<Record<string, unknown>>): PartReading {
  const inlined = part.inlineData ?? part.inline_data
  if (inlined !== undefined) return { inlinedBytes: textLength(inlined, 'data'), ...costOf(inlined) }
  const file = part.fileData ?? part.file_data
  if (file !== undefined) return { inlinedBytes: 0, ...costOf(file) }
  const response = part.functionResponse ?? part.function_response
  if (isRecord(response)) return { within: response.parts }
  if (part.parts !== undefined) return { within: part.parts }
  return part.content === undefined ? NO_PART : { within: [part.content] }
}

/** Nothing for an image, of which the common cost holds. */
function costOf(medium: unknown): Pick<PartReading, 'tokens'> {
  if (!isRecord(medium)) return {}
  const type = String(medium.mimeType ?? medium.mime_type ?? '')
  const cost = COSTS.find(([prefix]) => type.startsWith(prefix))?.[1]
  const bytes = textLength(medium, 'data')
  if (cost !== undefined) return { tokens: tokensBySize(bytes, cost) }
  return IMAGE.test(type) ? {} : { tokens: fileTokens(type, bytes, IMAGE_COST) }
}

/** Or of no known type. */
const IMAGE = /^(?:image\/|$)/
/** What is neither a text nor a known kind of medium. */
const IMAGE_COST = { unitBytes: Number.POSITIVE_INFINITY, unitTokens: MEDIUM_TOKENS }

/**
 * 32 tokens for each second of sound, 300 of video, 258 for each page (Gemini 3: 560), at sizes that are usual for them.
 * @see https://ai.google.dev/gemini-api/docs/tokens#multimodal-tokens
 */
const COSTS = [
  ['audio/', { unitBytes: 480_000, unitTokens: 960 }],
  ['video/', { unitBytes: 625_000, unitTokens: 1_500 }],
  ['application/pdf', { unitBytes: 60_000, unitTokens: 560 }],
] as const
