import type { FinishReason } from '../../unified/chat-chunks.ts'

/**
 * Why an answer ended, in OpenAI's words.
 * @param stopReason Anthropic's; one that is not known is said as it is, in lower case
 * @see https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons
 */
export function finishReason(stopReason: unknown, hasToolCalls: boolean): FinishReason {
  if (typeof stopReason !== 'string' || stopReason === '') return hasToolCalls ? 'tool_calls' : 'stop'
  return REASONS.get(stopReason) ?? stopReason.toLowerCase()
}

const REASONS: ReadonlyMap<string, FinishReason> = new Map([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['tool_use', 'tool_calls'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  // The answer is not whole, and goes on where it is sent back.
  ['pause_turn', 'length'],
  ['refusal', 'content_filter'],
])
