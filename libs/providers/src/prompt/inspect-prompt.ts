import type { ProviderId } from '@sluice/contracts'
import type { RequestInspection } from '../provider-adapter.ts'
import { isRecord } from '../wire/is-record.ts'
import { type ModelProfile, modelProfile } from './model-profile.ts'
import { type PromptText, promptText } from './prompt-text.ts'

type Body = Readonly<Record<string, unknown>>

/** The part of an inspection that says what the prompt is expected to cost, its media aside. Never throws, whatever the shape. */
export function inspectPrompt(
  body: Body,
  model: string,
  provider: ProviderId,
): Pick<RequestInspection, 'promptBytes' | 'bytesPerToken' | 'frameTokens' | 'toolTokens' | 'sealedBytes'> {
  const text = promptText(body)
  const profile = modelProfile(model, provider)
  const toolTokens = toolTokensOf(text, profile, body)
  return {
    promptBytes: text.textBytes + text.denseBytes,
    bytesPerToken: profile.bytesPerToken,
    frameTokens: profile.baseTokens + text.turns * profile.turnTokens + text.calls * profile.callTokens,
    ...(toolTokens === 0 ? {} : { toolTokens }),
    ...(text.sealedBytes === 0 ? {} : { sealedBytes: text.sealedBytes }),
  }
}

function toolTokensOf({ toolBytes, schemaBytes }: PromptText, profile: ModelProfile, body: Body): number {
  let tokens = 0
  if (toolBytes > EMPTY_BYTES) {
    const forced = profile.forcedToolPromptTokens ?? profile.toolPromptTokens
    tokens += toolBytes / profile.toolBytesPerToken + (isToolForced(body) ? forced : profile.toolPromptTokens)
  }
  if (schemaBytes > SCHEMALESS_BYTES && Number.isFinite(profile.schemaBytesPerToken)) {
    tokens += schemaBytes / profile.schemaBytesPerToken + profile.schemaPromptTokens
  }
  return Math.ceil(tokens)
}

/** Of a list without tools. */
const EMPTY_BYTES = 2
/** Such as `{"type":"json_object"}` or an effort. */
const SCHEMALESS_BYTES = 48

/** Whether the request says that the model is to call a tool, or which. */
function isToolForced({ tool_choice, toolConfig }: Body): boolean {
  const choice = isRecord(toolConfig) ? toolConfig.toolChoice : tool_choice
  if (choice === 'required' || choice === 'any') return true
  if (!isRecord(choice)) return false
  return choice.any !== undefined || choice.tool !== undefined || FORCING.has(String(choice.type))
}

const FORCING: ReadonlySet<string> = new Set(['any', 'tool', 'function', 'custom'])
