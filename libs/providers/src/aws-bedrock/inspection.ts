import { claudeMedia } from '../claude/media.ts'
import { promptMedia } from '../openai/media.ts'
import { inspectPrompt, NO_TOKENS } from '../prompt/inspect-prompt.ts'
import {
  addMedia,
  fileTokens,
  MEDIUM_TOKENS,
  type MediaTally,
  NO_MEDIA,
  NO_PART,
  type PartReading,
  tallyMedia,
  textLength,
} from '../prompt/media.ts'
import { outputCount } from '../prompt/output-maximum.ts'
import type { Operation, RequestInspection } from '../provider-adapter.ts'
import { isRecord } from '../wire/json.ts'

/** Reads what matters of a request's JSON body (undefined: not JSON). Never throws, whatever the shape. */
export function inspectBedrockRequest({ kind, model = '' }: Operation, body: unknown): RequestInspection {
  if (!isRecord(body) || kind === 'count-tokens') return { ...NO_TOKENS, model }
  const invokes = kind === 'invoke' || kind === 'invoke-stream'
  const media = invokes ? invokeMedia(body, model) : converseMedia(body)
  const inspection = inspectPrompt(body, model, 'aws-bedrock', { media, hasOutput: !EMBEDDING_MODEL.test(model) })
  inspection.streamed = kind === 'converse-stream' || kind === 'invoke-stream'
  // A prompt of Bedrock's prompt management, which the path names.
  if (model.includes(':prompt/')) inspection.hasStoredPrompt = true
  if (invokes) inspection.outputs = outputCount(body.num_generations, body.n)
  return inspection
}

const EMBEDDING_MODEL = /embed/

/**
 * The media in a Converse request's `messages` and `system`. Never throws, whatever the shape.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html
 */
export function converseMedia(body: Readonly<Record<string, unknown>>): MediaTally {
  return addMedia(tallyMedia(body.messages, readMessageOrBlock), tallyMedia(body.system, readMessageOrBlock))
}

/** The media in the body of an invocation, which has the format of the model's maker: those of one are none of another. */
export function invokeMedia(body: Readonly<Record<string, unknown>>, model: string): MediaTally {
  return [
    converseMedia(body),
    claudeMedia(body.messages),
    promptMedia(body.messages, model),
    embeddedImages(body),
  ].reduce(addMedia)
}

const SOURCES = ['image', 'document', 'video', 'audio'] as const

function readMessageOrBlock(block: Readonly<Record<string, unknown>>): PartReading {
  for (const name of SOURCES) {
    const medium = block[name]
    if (isRecord(medium)) return readSource(medium, name)
  }
  if (isRecord(block.guardContent)) return { within: [block.guardContent] }
  if (isRecord(block.toolResult)) return { within: block.toolResult.content }
  return Array.isArray(block.content) ? { within: block.content } : NO_PART
}

/** A document's source may also be text. */
function readSource(
  { source, format }: Readonly<Record<string, unknown>>,
  medium: (typeof SOURCES)[number],
): PartReading {
  const isText = isRecord(source) && (source.text !== undefined || source.content !== undefined)
  if (isText) return NO_PART
  const inlinedBytes = textLength(source, 'bytes')
  return medium === 'document'
    ? { inlinedBytes, tokens: fileTokens(String(format), inlinedBytes, PAGE) }
    : { inlinedBytes }
}

const PAGE = { unitBytes: 60_000, unitTokens: 1_000 }

/** Titan's `inputImage` and Cohere's `images`. */
function embeddedImages({ inputImage, images }: Readonly<Record<string, unknown>>): MediaTally {
  return [inputImage, ...(Array.isArray(images) ? images : [])].reduce<MediaTally>(
    (tally, image) =>
      typeof image === 'string'
        ? addMedia(tally, { parts: 1, tokens: MEDIUM_TOKENS, inlinedBytes: image.length })
        : tally,
    NO_MEDIA,
  )
}
