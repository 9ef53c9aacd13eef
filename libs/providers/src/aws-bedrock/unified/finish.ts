import type { Finish, FinishReason } from '../../unified/chat-chunks.ts'

/**
 * @param stopReason Bedrock's; one that is not known counts as an ordinary end
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html on `stopReason`
 */
export function finishOf(stopReason: unknown, hasToolCalls: boolean): Finish {
  const known = typeof stopReason === 'string' ? stopReason : ''
  const message = FAILURES.get(known)
  if (message !== undefined) return { failure: { message, code: known } }
  return { reason: REASONS.get(known) ?? (hasToolCalls ? 'tool_calls' : 'stop') }
}

const REASONS: ReadonlyMap<string, FinishReason> = new Map([
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['content_filtered', 'content_filter'],
  ['guardrail_intervened', 'content_filter'],
])

const FAILURES: ReadonlyMap<string, string> = new Map([
  ['malformed_tool_use', 'The model called a tool in a way that cannot be read.'],
  ['malformed_model_output', 'The model answered in a way that cannot be read.'],
])
