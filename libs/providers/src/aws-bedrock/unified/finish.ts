import type { Finish, FinishReason } from '../../unified/chat-chunks.ts'

/**
 * @param stopReason Bedrock's; one that is not known is said as it is, in lower case
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
  ['malformed_tool_use', 'The model called a tool in a way that cannot be read.'],
  ['malformed_model_output', 'The model answered in a way that cannot be read.'],
])
