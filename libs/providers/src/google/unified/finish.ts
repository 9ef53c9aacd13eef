import type { Finish } from '../../unified/chat-chunks.ts'
import type { Candidate } from './answer-chunk.ts'

/**
 * A whole answer that gives no reason stopped by itself. One that is not known is said in Google's word, in lower case.
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
      failure: { message: finishMessage ?? `The model's answer ended with ${finishReason}.`, code: finishReason },
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
