import type {
  ChatCompletion,
  ChatCompletionMessage,
  ChatCompletionTokenLogprob,
} from 'openai/resources/chat/completions'
import {
  type CompletedChat,
  type CompletedChoice,
  chatCompletion,
  type Finish,
  responseMessage,
} from '../unified/chat-completion.ts'
import {
  isFailure,
  type TranslatedFailure,
  UNSUPPORTED_CONTENT,
  WholeResponseTranslator,
} from '../unified/response-translators.ts'
import type { RequestedResponse, ResponseTranslator } from '../unified-api.ts'
import { arrayOf, isRecord, tokenCount } from '../wire/json.ts'
import { EVERY, type JsonPath, writtenText } from '../wire/json-source.ts'
import { readError } from './errors.ts'
import { signed } from './reasoning.ts'
import { type CallPart, type SignedToolCall, ToolCalls } from './tools.ts'
import { addGoogleUsage, totalUsage } from './usage.ts'

/** Translates a response that is one document. */
export function wholeResponse(requested: RequestedResponse): ResponseTranslator {
  return new WholeResponseTranslator((response) => toChatCompletion(response, requested), CALL_ARGUMENTS)
}

/** Returns a failure where a candidate failed or has unsupported content, and undefined for anything but a response. */
function toChatCompletion(
  response: unknown,
  requested: RequestedResponse,
): CompletedChat | TranslatedFailure | undefined {
  const error = readError(response)
  if (error !== undefined) return { failure: error }
  const chunk = readResponseChunk(response)
  if (chunk === undefined) return undefined
  const choices = chunk.candidates.length === 0 && chunk.blockReason !== undefined ? [BLOCKED] : []
  const toolCalls = new ToolCalls(requested.responseId)
  for (const candidate of chunk.candidates) {
    const choice = choiceOf(candidate, toolCalls)
    if (isFailure(choice)) return choice
    choices.push(choice)
  }
  if (choices.length === 0) return undefined
  return chatCompletion(requested, choices, totalUsage(addGoogleUsage(undefined, chunk.usageMetadata)))
}

/** The choice for a blocked prompt. */
const BLOCKED: CompletedChoice = {
  index: 0,
  message: { role: 'assistant', content: null, refusal: null },
  finish_reason: 'content_filter',
  logprobs: null,
}

function choiceOf(candidate: Candidate, toolCalls: ToolCalls): CompletedChoice | TranslatedFailure {
  const { index, parts, logprobsResult } = candidate
  if (parts.some(({ kind }) => kind === 'unsupported')) return { failure: UNSUPPORTED_CONTENT }
  const calls = parts.flatMap((part): SignedToolCall[] => (part.kind === 'call' ? [toolCalls.toToolCall(part)] : []))
  const finish = finishOf(candidate, calls.length > 0)
  if (isFailure(finish)) return finish
  return {
    index,
    message: messageOf(parts, calls),
    finish_reason: finish.reason,
    logprobs: readLogprobs(logprobsResult),
  }
}

function messageOf(parts: readonly ResponsePart[], calls: readonly SignedToolCall[]): ChatCompletionMessage {
  const signatures = parts.flatMap((part) => (part.kind === 'text' ? (part.signature ?? []) : []))
  const content = { text: joined(parts, 'text'), reasoning: joined(parts, 'thought'), calls }
  return responseMessage(content, signed(signatures.at(-1)))
}

function joined(parts: readonly ResponsePart[], kind: 'text' | 'thought'): string {
  return parts.map((part) => (part.kind === kind ? part.text : '')).join('')
}

/**
 * A `GenerateContentResponse`: a whole response, or a chunk of one.
 * @see https://ai.google.dev/api/generate-content
 */
interface ResponseChunk {
  readonly candidates: readonly Candidate[]
  /** Why the prompt was blocked. */
  readonly blockReason: string | undefined
  readonly usageMetadata: unknown
}

export interface Candidate {
  readonly index: number
  readonly parts: readonly ResponsePart[]
  /** Undefined where the candidate has not ended. */
  readonly finishReason: string | undefined
  readonly finishMessage: string | undefined
  readonly logprobsResult: unknown
}

export type ResponsePart =
  | { readonly kind: 'text'; readonly text: string; readonly signature: string | undefined }
  | { readonly kind: 'thought'; readonly text: string }
  | CallPart
  /** Content that a chat completion cannot contain, such as an image. */
  | { readonly kind: 'unsupported' }

/** The path of JSON that the model wrote. */
export const CALL_ARGUMENTS: JsonPath = ['candidates', EVERY, 'content', 'parts', EVERY, 'functionCall', 'args']

/** Reads a whole response or a chunk; undefined for anything else. */
export function readResponseChunk(value: unknown): ResponseChunk | undefined {
  if (!isRecord(value)) return undefined
  const { candidates, promptFeedback, usageMetadata } = value
  return {
    candidates: recordsOf(candidates).map(readCandidate),
    blockReason: isRecord(promptFeedback) ? wordOf(promptFeedback.blockReason) : undefined,
    usageMetadata,
  }
}

function readCandidate(candidate: Readonly<Record<string, unknown>>): Candidate {
  const { content, index, finishReason, finishMessage, logprobsResult } = candidate
  return {
    index: tokenCount(index) ?? 0,
    parts: recordsOf(isRecord(content) ? content.parts : undefined).flatMap(readPart),
    finishReason: wordOf(finishReason),
    finishMessage: wordOf(finishMessage),
    logprobsResult,
  }
}

/** Reads a part; omits unknown kinds and those of Google's own tools. */
function readPart(part: Readonly<Record<string, unknown>>): ResponsePart[] {
  const { text, thought, functionCall, inlineData, fileData } = part
  const signature = wordOf(part.thoughtSignature)
  if (functionCall !== undefined) return [readCall(functionCall, signature)]
  if (thought === true) return typeof text === 'string' ? [{ kind: 'thought', text }] : []
  if (typeof text === 'string') return [{ kind: 'text', text, signature }]
  return inlineData === undefined && fileData === undefined ? [] : [{ kind: 'unsupported' }]
}

function readCall(call: unknown, signature: string | undefined): ResponsePart {
  const name = isRecord(call) ? wordOf(call.name) : undefined
  const args = isRecord(call) ? writtenText(call.args ?? {}) : undefined
  if (!isRecord(call) || name === undefined || args === undefined) return { kind: 'unsupported' }
  return { kind: 'call', id: wordOf(call.id), name, args, signature }
}

function recordsOf(value: unknown): Readonly<Record<string, unknown>>[] {
  return arrayOf(value).filter(isRecord)
}

function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/**
 * Returns OpenAI's finish reason for a candidate, or its failure. A whole response without a reason counts as `STOP`;
 * an unknown reason is returned in lower case.
 * @see https://ai.google.dev/api/generate-content#FinishReason
 */
export function finishOf(
  { finishReason = 'STOP', finishMessage }: Pick<Candidate, 'finishReason' | 'finishMessage'>,
  hasCalls: boolean,
): Finish {
  if (WITHHELD.has(finishReason)) return { reason: 'content_filter' }
  if (finishReason === 'MAX_TOKENS') return { reason: 'length' }
  if (FAILED.has(finishReason)) {
    return {
      failure: { message: finishMessage ?? `The model's response ended with ${finishReason}.`, code: finishReason },
    }
  }
  if (finishReason !== 'STOP') return { reason: finishReason.toLowerCase() }
  return { reason: hasCalls ? 'tool_calls' : 'stop' }
}

const WITHHELD: ReadonlySet<string> = new Set([
  'SAFETY',
  'RECITATION',
  'LANGUAGE',
  'BLOCKLIST',
  'PROHIBITED_CONTENT',
  'SPII',
  'IMAGE_SAFETY',
  'IMAGE_PROHIBITED_CONTENT',
  'IMAGE_RECITATION',
])

const FAILED: ReadonlySet<string> = new Set([
  'OTHER',
  'MALFORMED_FUNCTION_CALL',
  'UNEXPECTED_TOOL_CALL',
  'TOO_MANY_TOOL_CALLS',
  'MISSING_THOUGHT_SIGNATURE',
  'MALFORMED_RESPONSE',
  'NO_IMAGE',
  'IMAGE_OTHER',
])

/**
 * Reads the log probabilities of a candidate's tokens; null where it has none. Google does not return a token's bytes.
 * @see https://ai.google.dev/api/generate-content#LogprobsResult
 */
export function readLogprobs(result: unknown): ChatCompletion.Choice.Logprobs | null {
  if (!isRecord(result) || !Array.isArray(result.chosenCandidates)) return null
  const tops = arrayOf(result.topCandidates)
  const content = result.chosenCandidates.flatMap((chosen: unknown, step): ChatCompletionTokenLogprob[] => {
    const top = tops[step]
    const candidates = isRecord(top) ? arrayOf(top.candidates) : []
    return tokenOf(chosen).map((token) => ({ ...token, top_logprobs: candidates.flatMap(tokenOf) }))
  })
  return { content, refusal: null }
}

/** Reads a token; empty where it is not one. */
function tokenOf(candidate: unknown): ChatCompletionTokenLogprob.TopLogprob[] {
  if (!isRecord(candidate)) return []
  const { token, logProbability } = candidate
  return typeof token === 'string' && typeof logProbability === 'number'
    ? [{ token, bytes: null, logprob: logProbability }]
    : []
}
