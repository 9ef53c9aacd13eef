import { isRecord } from '../wire/is-record.ts'
import { addMedia, type MediaTally, NO_PART, type PartReading, tallyMedia, textLength } from '../wire/media-tally.ts'

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
  if (inlined !== undefined) return { inlinedBytes: textLength(inlined, 'data') }
  if ((part.fileData ?? part.file_data) !== undefined) return { inlinedBytes: 0 }
  const response = part.functionResponse ?? part.function_response
  if (isRecord(response)) return { within: response.parts }
  if (part.parts !== undefined) return { within: part.parts }
  return part.content === undefined ? NO_PART : { within: [part.content] }
}
