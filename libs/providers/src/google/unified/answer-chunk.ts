import { isRecord } from '../../wire/is-record.ts'
import { EVERY, type JsonPath, writtenText } from '../../wire/json-source.ts'
import { tokenCount } from '../../wire/token-count.ts'

/** A `GenerateContentResponse`: a whole answer, or a piece of one. @see https://ai.google.dev/api/generate-content */
export interface ResponseChunk {
  readonly candidates: readonly Candidate[]
  /** Why the prompt gets no answer. */
  readonly blockReason: string | undefined
  readonly usageMetadata: unknown
}

export interface Candidate {
  readonly index: number
  readonly parts: readonly ResponsePart[]
  /** Undefined of one that has not ended. */
  readonly finishReason: string | undefined
  readonly finishMessage: string | undefined
  readonly logprobsResult: unknown
}

export type ResponsePart =
  | { readonly kind: 'text'; readonly text: string; readonly signature: string | undefined }
  | { readonly kind: 'thought'; readonly text: string }
  | CallPart
  /** Something that the caller would miss and OpenAI's answers have no place for, such as an image. */
  | { readonly kind: 'foreign' }

export interface CallPart {
  readonly kind: 'call'
  /** Newer models give their calls ids. */
  readonly id: string | undefined
  readonly name: string
  /** JSON text. */
  readonly args: string
  readonly signature: string | undefined
}

/** Where a chunk has JSON of the model's own. */
export const CALL_ARGUMENTS: JsonPath = ['candidates', EVERY, 'content', 'parts', EVERY, 'functionCall', 'args']

/** Undefined where it is nothing of the kind. */
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

/** Kinds that are not known, or that only tools of Google's make, are left out. */
function readPart(part: Readonly<Record<string, unknown>>): ResponsePart[] {
  const { text, thought, functionCall, inlineData, fileData } = part
  const signature = wordOf(part.thoughtSignature)
  if (functionCall !== undefined) return [readCall(functionCall, signature)]
  if (thought === true) return typeof text === 'string' ? [{ kind: 'thought', text }] : []
  if (typeof text === 'string') return [{ kind: 'text', text, signature }]
  return inlineData === undefined && fileData === undefined ? [] : [{ kind: 'foreign' }]
}

function readCall(call: unknown, signature: string | undefined): ResponsePart {
  const name = isRecord(call) ? wordOf(call.name) : undefined
  const args = isRecord(call) ? writtenText(call.args ?? {}) : undefined
  if (!isRecord(call) || name === undefined || args === undefined) return { kind: 'foreign' }
  return { kind: 'call', id: wordOf(call.id), name, args, signature }
}

function recordsOf(value: unknown): Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isRecord) : []
}

function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
