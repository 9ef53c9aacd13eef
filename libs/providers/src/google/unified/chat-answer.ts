import type { ChatCompletionMessage } from 'openai/resources/chat/completions'
import { responseMessage } from '../../unified/answer-message.ts'
import { type CompletedChat, type CompletedChoice, chatCompletion } from '../../unified/chat-completion.ts'
import { NO_PLACE } from '../../unified/stream-errors.ts'
import { isFailure, type TranslatedFailure } from '../../unified/whole-answer-translator.ts'
import type { AskedResponse } from '../../unified-api.ts'
import { addGoogleUsage, totalUsage } from '../usage.ts'
import { type Candidate, type ResponsePart, readResponseChunk } from './answer-chunk.ts'
import { finishOf } from './finish.ts'
import { readLogprobs } from './logprobs.ts'
import { signed } from './thought-signature.ts'
import { type SignedToolCall, ToolCalls } from './tool-call.ts'
import { readError } from './translated-error.ts'

/** A whole answer; a failure where a candidate failed, or has what OpenAI's answers have no place for. Undefined where it is no answer. */
export function chatResponse(answer: unknown, asked: AskedResponse): CompletedChat | TranslatedFailure | undefined {
  const error = readError(answer)
  if (error !== undefined) return { failure: error }
  const chunk = readResponseChunk(answer)
  if (chunk === undefined) return undefined
  const choices = chunk.candidates.length === 0 && chunk.blockReason !== undefined ? [BLOCKED] : []
  const toolCalls = new ToolCalls(asked.responseId)
  for (const candidate of chunk.candidates) {
    const choice = choiceOf(candidate, toolCalls)
    if (isFailure(choice)) return choice
    choices.push(choice)
  }
  if (choices.length === 0) return undefined
  return chatCompletion(asked, choices, totalUsage(addGoogleUsage(undefined, chunk.usageMetadata)))
}

/** The prompt got no answer. */
const BLOCKED: CompletedChoice = {
  index: 0,
  message: { role: 'assistant', content: null, refusal: null },
  finish_reason: 'content_filter',
  logprobs: null,
}

function choiceOf(candidate: Candidate, toolCalls: ToolCalls): CompletedChoice | TranslatedFailure {
  const { index, parts, logprobsResult } = candidate
  if (parts.some(({ kind }) => kind === 'foreign')) return { failure: NO_PLACE }
  const calls = parts.flatMap((part): SignedToolCall[] => (part.kind === 'call' ? [toolCalls.tell(part)] : []))
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
