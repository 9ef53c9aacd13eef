import { asksToThink, thinkingProblem } from '../anthropic/thinking.ts'
import { isRecord, recordsOf } from '../core/json.ts'
import type { Model } from './models.ts'

type Json = Readonly<Record<string, unknown>>

/** Tells whether a request has Anthropic's `thinking` or Amazon's `reasoningConfig` enabled. */
export function asksToReason(json: Json): boolean {
  const fields = fieldsOf(json)
  return asksToThink(fields) || (isRecord(fields.reasoningConfig) && fields.reasoningConfig.type === 'enabled')
}

/**
 * Returns what the model says is wrong with the reasoning that a request asks for or brings back; undefined if nothing
 * is.
 */
export function reasoningProblem(json: Json, { kind, reasoning }: Model): string | undefined {
  const fields = fieldsOf(json)
  const foreign = ['thinking', 'reasoningConfig'].find((name) => fields[name] !== undefined && name !== reasoning)
  if (foreign !== undefined) {
    return `The model returned the following errors: Malformed input request: #: extraneous key [${foreign}] is not permitted, please reformat your input and try again.`
  }
  const problem = kind === 'anthropic' ? thinkingProblem(inAnthropicFormat(json), ['enabled']) : undefined
  return problem && `The model returned the following errors: ${problem}`
}

function fieldsOf({ additionalModelRequestFields: fields }: Json): Json {
  return isRecord(fields) ? fields : {}
}

/** Translates what concerns thinking into Anthropic's format, as Bedrock does for its models. */
function inAnthropicFormat(json: Json): Json {
  const { maxTokens, temperature, topP } = isRecord(json.inferenceConfig) ? json.inferenceConfig : {}
  return {
    ...fieldsOf(json),
    max_tokens: maxTokens,
    temperature,
    top_p: topP,
    tool_choice: toolChoice(json),
    messages: recordsOf(json.messages).map(({ content }) => ({ content: recordsOf(content).map(asBlock) })),
  }
}

function toolChoice({ toolConfig }: Json): Json | undefined {
  const choice = isRecord(toolConfig) ? toolConfig.toolChoice : undefined
  return isRecord(choice) ? { type: Object.keys(choice)[0] } : undefined
}

function asBlock({ reasoningContent, toolUse, toolResult }: Json): Json {
  if (toolUse !== undefined) return { type: 'tool_use' }
  if (toolResult !== undefined) return { type: 'tool_result' }
  if (!isRecord(reasoningContent)) return { type: 'text' }
  const { reasoningText } = reasoningContent
  return isRecord(reasoningText)
    ? { type: 'thinking', thinking: reasoningText.text, signature: reasoningText.signature }
    : { type: 'redacted_thinking' }
}
