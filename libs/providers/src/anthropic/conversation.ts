import type {
  Base64ImageSource,
  ContentBlockParam,
  DocumentBlockParam,
  ImageBlockParam,
  TextBlockParam,
  ToolResultBlockParam,
} from '@anthropic-ai/sdk/resources/messages'
import { type BlockDialect, blockConversation, type Turn } from '../unified/block-conversation.ts'
import { type ChatMessage, type FilePart, type ImagePart, isBlank } from '../unified/chat-request.ts'
import { decodedText, fileSource, isText } from '../unified/file-source.ts'
import { imageSource } from '../unified/images.ts'
import { isRefusal, refuse } from '../unified/refusal.ts'
import type { InlineImage, Refusal } from '../unified-api.ts'
import { readThinking } from './reasoning.ts'
import { toToolUse } from './tools.ts'

/** A message's prompt: the turns, with system and developer messages apart. */
interface Conversation {
  readonly system: readonly TextBlockParam[]
  readonly messages: readonly Turn<ContentBlockParam>[]
}

/** Translates OpenAI's messages. */
export function toConversation(messages: readonly ChatMessage[]): Conversation | Refusal {
  const conversation = blockConversation(messages, CONTENT_BLOCKS)
  if (isRefusal(conversation)) return conversation
  return { system: conversation.system.map(toTextBlock), messages: conversation.turns }
}

const CONTENT_BLOCKS: BlockDialect<ContentBlockParam> = {
  provider: 'Anthropic',
  callIds: /^[a-zA-Z0-9_-]+$/,
  text: toTextBlock,
  image: toImageBlock,
  toolCall: toToolUse,
  file: toDocumentBlock,
  toolResult: ({ tool_call_id: id, content }, blocks) => ({
    type: 'tool_result',
    tool_use_id: id,
    ...(typeof content === 'string' ? resultText(content) : resultBlocks(blocks)),
  }),
  thinking(message, path) {
    const thinking = readThinking(message, path)
    return isRefusal(thinking) ? thinking : thinking.map(({ at, ...block }) => ({ block, at }))
  },
  refuseTurns: (turns) =>
    turns.length === 0
      ? refuse('messages', 'Anthropic needs at least one user or assistant message that is not empty.')
      : undefined,
}

function toTextBlock(text: string): TextBlockParam {
  return { type: 'text', text }
}

function resultText(content: string): Pick<ToolResultBlockParam, 'content'> {
  return isBlank(content) ? {} : { content }
}

function resultBlocks(blocks: readonly ContentBlockParam[]): Pick<ToolResultBlockParam, 'content'> {
  const content = blocks.filter(isResultBlock)
  return content.length === 0 ? {} : { content }
}

function isResultBlock(block: ContentBlockParam): block is TextBlockParam | ImageBlockParam | DocumentBlockParam {
  return block.type === 'text' || block.type === 'image' || block.type === 'document'
}

/**
 * Translates a `file` part. Anthropic accepts PDFs, which it also fetches from URLs, and text; images in file parts
 * become image blocks.
 * @param path the part's
 * @see https://platform.claude.com/docs/en/build-with-claude/pdf-support
 */
function toDocumentBlock(part: FilePart, path: string): DocumentBlockParam | ImageBlockParam | Refusal {
  const source = fileSource(part, path, 'Anthropic')
  if (isRefusal(source)) return source
  const { filename = '' } = part.file
  const title = isBlank(filename) ? {} : { title: filename.slice(0, MAX_TITLE_CHARS) }
  if ('url' in source) return { type: 'document', source: { type: 'url', url: source.url }, ...title }
  const { mediaType, base64 } = source
  if (mediaType === 'application/pdf') {
    return { type: 'document', source: { type: 'base64', media_type: mediaType, data: base64 }, ...title }
  }
  if (isText(mediaType)) {
    const data = decodedText(base64)
    if (data === undefined) return refuse(`${path}.file.file_data`, 'The text file is not valid UTF-8.')
    return { type: 'document', source: { type: 'text', media_type: 'text/plain', data }, ...title }
  }
  return (
    inlineImage(source) ??
    refuse(`${path}.file.file_data`, `Anthropic accepts PDFs, text and images as files; this file is ${mediaType}.`)
  )
}

const MAX_TITLE_CHARS = 500

/**
 * Translates an image. Anthropic itself fetches images at URLs, and reads all in full detail up to a size limit.
 * @param path the part's
 * @see https://platform.claude.com/docs/en/build-with-claude/vision
 */
function toImageBlock({ image_url: { url, detail } }: ImagePart, path: string): ImageBlockParam | Refusal {
  if (detail === 'low') return refuse(`${path}.image_url.detail`, 'Anthropic reads images in high detail only.')
  const source = imageSource(url, `${path}.image_url.url`)
  if (isRefusal(source)) return source
  if ('url' in source) return { type: 'image', source: { type: 'url', url: source.url } }
  const image = inlineImage(source.inline)
  if (image !== undefined) return image
  return refuse(
    `${path}.image_url.url`,
    `Anthropic accepts images of the types ${MEDIA_TYPES.join(', ')}; this image is ${source.inline.mediaType}.`,
  )
}

/** Returns the block of an image; undefined where Anthropic does not support its type. */
function inlineImage({ mediaType, base64 }: InlineImage): ImageBlockParam | undefined {
  if (!isAccepted(mediaType)) return undefined
  return { type: 'image', source: { type: 'base64', media_type: mediaType, data: base64 } }
}

type MediaType = Base64ImageSource['media_type']

const MEDIA_TYPES: readonly MediaType[] = ['image/jpeg', 'image/png', 'image/gif', 'image/webp']

function isAccepted(mediaType: string): mediaType is MediaType {
  return MEDIA_TYPES.some((accepted) => accepted === mediaType)
}
