import { fileTokens, type MediaTally, NO_PART, type PartReading, tallyMedia, textLength } from '../prompt/media.ts'
import { isRecord } from '../wire/json.ts'

/**
 * Counts the images and files in `messages`: content blocks, and blocks within a tool result or a document. Never
 * throws, whatever the shape.
 * @see https://docs.claude.com/en/api/messages
 */
export function claudeMedia(messages: unknown): MediaTally {
  return tallyMedia(messages, readMessageOrBlock)
}

/** A message has no type, and contains blocks. */
function readMessageOrBlock(block: Readonly<Record<string, unknown>>): PartReading {
  switch (block.type) {
    case undefined:
    case 'tool_result':
      return { within: block.content }
    case 'image':
      return { inlinedBytes: textLength(block.source, 'data') }
    case 'document':
      return readDocument(block.source)
    case 'container_upload':
      return { inlinedBytes: 0 }
    default:
      return NO_PART
  }
}

/** A document may also be plain text, or contain blocks. */
function readDocument(source: unknown): PartReading {
  if (!isRecord(source) || source.type === 'text') return NO_PART
  return source.type === 'content' ? { within: source.content } : readFile(source)
}

function readFile(source: Readonly<Record<string, unknown>>): PartReading {
  const inlinedBytes = textLength(source, 'data')
  const kind = typeof source.media_type === 'string' ? source.media_type : ''
  return { inlinedBytes, tokens: fileTokens(kind, inlinedBytes, PAGE) }
}

/**
 * A page counts as text and as an image. A page of text and graphics has about 60 KB.
 * @see https://platform.claude.com/docs/en/build-with-claude/pdf-support#estimate-your-costs
 */
const PAGE = { unitBytes: 60_000, unitTokens: 2_000 }
