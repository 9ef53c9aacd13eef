import { totalUsage } from '../claude/usage.ts'
import {
  type CompletedChat,
  chatCompletion,
  type Finish,
  type FinishReason,
  type ResponseContent,
  type ResponseToolCall,
  responseMessage,
} from '../unified/chat-completion.ts'
import { endsWithJson, inJson } from '../unified/json-tool.ts'
import {
  incompleteCall,
  isFailure,
  type TranslatedFailure,
  UNSUPPORTED_CONTENT,
  WholeResponseTranslator,
} from '../unified/response-translators.ts'
import type { RequestedResponse, ResponseTranslator } from '../unified-api.ts'
import { arrayOf, isRecord } from '../wire/json.ts'
import { EVERY, type JsonPath, writtenText } from '../wire/json-source.ts'
import { extraContent, type PlacedReasoning } from './reasoning.ts'
import { toToolCall } from './tools.ts'
import { readConverseUsage } from './usage.ts'

const TOOL_INPUTS: JsonPath = ['output', 'message', 'content', EVERY, 'toolUse', 'input']

/** Translates a Converse response that is one document. */
export function wholeConverseResponse(requested: RequestedResponse): ResponseTranslator {
  return new WholeResponseTranslator((response) => toChatCompletion(requested, response), TOOL_INPUTS)
}

/**
 * Translates a whole Converse response; a failure where the model failed or returned unsupported content. Undefined
 * for anything else.
 */
export function toChatCompletion(
  requested: RequestedResponse,
  response: unknown,
): CompletedChat | TranslatedFailure | undefined {
  if (!isRecord(response) || !isRecord(response.output) || !isRecord(response.output.message)) return undefined
  const { content: blocks } = response.output.message
  if (!Array.isArray(blocks)) return undefined
  const read = readResponseContent(blocks)
  if (isFailure(read)) return read
  const content = inJson(read, requested.jsonTool, response.stopReason)
  const finish = finishOf(response.stopReason, content.calls.length > 0)
  if (isFailure(finish)) return finish
  const choice = {
    index: 0,
    message: responseMessage(content, extraContent(content.placed)),
    finish_reason: endsWithJson(requested.jsonTool, response.stopReason, content.calls.length > 0)
      ? ('stop' as const)
      : finish.reason,
    logprobs: null,
  }
  return chatCompletion(requested, [choice], totalUsage(readConverseUsage(response.usage)))
}

/** The content of a response's blocks. */
interface ConverseContent extends ResponseContent {
  /** The reasoning to be sent back. */
  readonly placed: readonly PlacedReasoning[]
}

/**
 * Reads a response's blocks; a failure where a chat completion cannot contain one, or a tool call is incomplete. Omits
 * blocks of unknown kinds: they belong to tools that only the native API offers.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html
 */
function readResponseContent(blocks: readonly unknown[]): ConverseContent | TranslatedFailure {
  let text = ''
  let reasoning = ''
  const calls: ResponseToolCall[] = []
  const placed: PlacedReasoning[] = []
  for (const block of blocks) {
    if (!isRecord(block)) continue
    if (isUnsupported(block)) return { failure: UNSUPPORTED_CONTENT }
    text += textOf(block)
    if (isRecord(block.toolUse) && !isServerTool(block.toolUse)) {
      const call = toToolCall(block.toolUse, writtenText(block.toolUse.input ?? {}) ?? '')
      if (call === undefined) return { failure: incompleteCall('AWS Bedrock') }
      calls.push(call)
    }
    if (!isRecord(block.reasoningContent)) continue
    const { reasoningText, redactedContent } = block.reasoningContent
    const thought = isRecord(reasoningText) && typeof reasoningText.text === 'string' ? reasoningText.text : ''
    const signature = isRecord(reasoningText) ? reasoningText.signature : undefined
    const at = { content: text.length, tool_calls: calls.length }
    reasoning += thought
    if (typeof signature === 'string') placed.push({ text: thought, signature, at })
    if (typeof redactedContent === 'string') placed.push({ redactedContent, at })
  }
  return { text, reasoning, calls, placed }
}

/** Returns whether a chat completion cannot contain a block or delta. */
export function isUnsupported(block: Readonly<Record<string, unknown>>): boolean {
  return ['image', 'audio', 'video', 'document'].some((kind) => block[kind] !== undefined)
}

/** Returns whether a call is of AWS's own tool, which the application does not run. */
export function isServerTool({ type }: Readonly<Record<string, unknown>>): boolean {
  return type === 'server_tool_use'
}

/** Returns a block's text; text with citations comes in pieces. */
function textOf({ text, citationsContent: cited }: Readonly<Record<string, unknown>>): string {
  if (typeof text === 'string') return text
  const pieces = isRecord(cited) ? arrayOf(cited.content) : []
  return pieces.map((piece) => (isRecord(piece) ? textOf(piece) : '')).join('')
}

/**
 * Returns OpenAI's finish reason for a response, or its failure.
 * @param stopReason Bedrock's; an unknown one is returned in lower case
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html on `stopReason`
 */
export function finishOf(stopReason: unknown, hasToolCalls: boolean): Finish {
  const known = typeof stopReason === 'string' ? stopReason : ''
  const message = FAILURES.get(known)
  if (message !== undefined) return { failure: { message, code: known } }
  if (known === '' || known === 'end_turn') return { reason: hasToolCalls ? 'tool_calls' : 'stop' }
  return { reason: REASONS.get(known) ?? known.toLowerCase() }
}

const REASONS: ReadonlyMap<string, FinishReason> = new Map([
  ['tool_use', 'tool_calls'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['content_filtered', 'content_filter'],
  ['guardrail_intervened', 'content_filter'],
])

const FAILURES: ReadonlyMap<string, string> = new Map([
  ['malformed_tool_use', 'The model returned a malformed tool call.'],
  ['malformed_model_output', 'The model returned a malformed response.'],
])
