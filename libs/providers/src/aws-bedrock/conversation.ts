import type { DocumentFormat, ImageFormat, SystemContentBlock } from '@aws-sdk/client-bedrock-runtime'
import { type BlockDialect, blockConversation, type Turn } from '../unified/block-conversation.ts'
import type { ChatMessage, FilePart, ImagePart } from '../unified/chat-request.ts'
import { inlineFile, isText } from '../unified/file-source.ts'
import type { InlineImages } from '../unified/images.ts'
import { isRefusal, refuse } from '../unified/refusal.ts'
import type { InlineImage, Refusal } from '../unified-api.ts'
import { foundationModel } from './models.ts'
import { readReasoning, toReasoningBlock } from './reasoning.ts'
import { toToolUse } from './tools.ts'
import type {
  DocumentBlock,
  ImageBlock,
  ReasoningBlock,
  TextBlock,
  ToolResultBlock,
  ToolUseBlock,
} from './wire-types.ts'

type Block = TextBlock | ImageBlock | DocumentBlock | ToolUseBlock | ToolResultBlock | ReasoningBlock

/** A request's prompt: the turns, with system and developer messages apart. */
interface Conversation {
  readonly system: readonly SystemContentBlock.TextMember[]
  readonly messages: readonly Turn<Block>[]
  /** It contains tool calls. */
  readonly hasToolUse: boolean
}

/** Translates OpenAI's messages. @param model its id, on which some rules depend */
export function toConversation(
  messages: readonly ChatMessage[],
  images: InlineImages,
  model: string,
): Conversation | Refusal {
  const conversation = blockConversation(messages, contentBlocks(images, foundationModel(model)?.maker))
  if (isRefusal(conversation)) return conversation
  const { system, turns } = conversation
  return {
    system: system.map(toTextBlock),
    messages: turns,
    hasToolUse: turns.some(({ content }) => content.some((block) => 'toolUse' in block)),
  }
}

/** @param maker the model's; undefined where it is unknown and may be Anthropic */
function contentBlocks(images: InlineImages, maker = 'anthropic'): BlockDialect<Block> {
  const isClaude = maker === 'anthropic'
  let documents = 0
  return {
    provider: 'AWS Bedrock',
    callIds: isClaude ? CLAUDE_CALL_ID : CALL_ID,
    text: toTextBlock,
    image: (part, path) => toImageBlock(part, images, path),
    toolCall: toToolUse,
    file: (part, path) => toDocumentBlock(part, path, () => ++documents),
    toolResult: ({ tool_call_id: toolUseId }, content) => ({
      toolResult: { toolUseId, content: content.filter(isResultBlock) },
    }),
    thinking(message, path) {
      const reasoning = readReasoning(message, path)
      if (isRefusal(reasoning)) return reasoning
      return reasoning.map((placed) => ({ block: toReasoningBlock(placed), at: placed.at }))
    },
    refuseTurns: (turns) => {
      const [first] = turns
      if (first === undefined) {
        return refuse('messages', 'AWS Bedrock needs at least one user or assistant message that is not empty.')
      }
      // AWS accepts this for Claude; for other models it returns the error that a conversation must start with a user
      // message.
      if (first.role !== 'user' && !isClaude) return BEGINS_WITH_ASSISTANT
      return turns.some(hasOnlyDocuments) ? DOCUMENT_WITHOUT_TEXT : undefined
    },
  }
}

/** @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolUseBlock.html */
const CALL_ID = /^[a-zA-Z0-9_.:-]{1,64}$/
/** Anthropic's rule is stricter than AWS's. */
const CLAUDE_CALL_ID = /^[a-zA-Z0-9_-]{1,64}$/

const BEGINS_WITH_ASSISTANT = refuse(
  'messages',
  'On AWS Bedrock only Claude accepts a conversation that begins with the assistant: for this model, the first message must be a ' +
    'user message that is not empty.',
)

function toTextBlock(text: string): TextBlock {
  return { text }
}

function isResultBlock(block: Block): block is TextBlock | ImageBlock | DocumentBlock {
  return 'text' in block || 'image' in block || 'document' in block
}

/** @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html on `content` */
function hasOnlyDocuments({ content }: Turn<Block>): boolean {
  return content.some((block) => 'document' in block) && !content.some((block) => 'text' in block)
}

const DOCUMENT_WITHOUT_TEXT = refuse(
  'messages',
  'AWS Bedrock accepts a file only together with text: add a text part to the message.',
)

/**
 * Translates a `file` part; images in file parts become image blocks. The document's name is generated: Bedrock allows
 * few characters and each name once, and warns that the model may read a name as an instruction.
 * @param path the part's
 * @param nextNumber returns the next number for a document in the request
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html
 */
function toDocumentBlock(part: FilePart, path: string, nextNumber: () => number): DocumentBlock | ImageBlock | Refusal {
  const file = inlineFile(part, path, 'AWS Bedrock')
  if (isRefusal(file)) return file
  const { mediaType, base64 } = file
  const image = inlineImage(file)
  if (image !== undefined) return image
  const format = DOCUMENT_FORMATS.get(mediaType) ?? (isText(mediaType) ? 'txt' : undefined)
  if (format !== undefined) {
    return { document: { format, name: `document ${nextNumber()}`, source: { bytes: base64 } } }
  }
  const formats = [...DOCUMENT_FORMATS.values()].join(', ')
  return refuse(
    `${path}.file.file_data`,
    `AWS Bedrock accepts images and files of the formats ${formats}; this file is ${mediaType}.`,
  )
}

const DOCUMENT_FORMATS: ReadonlyMap<string, DocumentFormat> = new Map([
  ['application/pdf', 'pdf'],
  ['text/csv', 'csv'],
  ['application/msword', 'doc'],
  ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'docx'],
  ['application/vnd.ms-excel', 'xls'],
  ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'xlsx'],
  ['text/html', 'html'],
  ['text/plain', 'txt'],
  ['text/markdown', 'md'],
])

/**
 * Translates an image; a block without bytes stands for an image that has not been fetched yet.
 * @param path the part's
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ImageBlock.html
 */
function toImageBlock(
  { image_url: { url, detail } }: ImagePart,
  images: InlineImages,
  path: string,
): ImageBlock | Refusal {
  if (detail === 'low') return refuse(`${path}.image_url.detail`, 'AWS Bedrock cannot limit the detail of images.')
  const image = images.find(url, `${path}.image_url.url`)
  if (image === undefined) return { image: { format: 'png', source: { bytes: '' } } }
  if (isRefusal(image)) return image
  const block = inlineImage(image)
  if (block !== undefined) return block
  const accepted = [...IMAGE_FORMATS.keys()].join(', ')
  return refuse(
    `${path}.image_url.url`,
    `AWS Bedrock accepts images of the types ${accepted}; this image is ${image.mediaType}.`,
  )
}

/** Returns the block of an image; undefined where Bedrock does not support its type. */
function inlineImage({ mediaType, base64 }: InlineImage): ImageBlock | undefined {
  const format = IMAGE_FORMATS.get(mediaType)
  return format === undefined ? undefined : { image: { format, source: { bytes: base64 } } }
}

const IMAGE_FORMATS: ReadonlyMap<string, ImageFormat> = new Map([
  ['image/png', 'png'],
  ['image/jpeg', 'jpeg'],
  ['image/gif', 'gif'],
  ['image/webp', 'webp'],
])
