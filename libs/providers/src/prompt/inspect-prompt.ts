import type { ProviderId } from '@sluice/contracts'
import type { RequestInspection } from '../provider-adapter.ts'
import { isRecord } from '../wire/json.ts'
import { type ModelProfile, modelProfile } from './model-profile.ts'
import { statedMaximum } from './output-maximum.ts'
import { type PromptText, promptText } from './prompt-text.ts'
import { hasStoredPrompt, providerAddsInput } from './provider-input.ts'

type Body = Readonly<Record<string, unknown>>

/** An inspection that the caller of {@link inspectPrompt} completes. */
export type Inspection = { -readonly [Name in keyof RequestInspection]: RequestInspection[Name] }

/** Facts that {@link inspectPrompt} cannot read by itself. */
interface PromptParts {
  readonly media: { readonly parts: number; readonly tokens: number }
  /** Responses have output tokens; a request to such an operation may state a maximum. */
  readonly hasOutput: boolean
}

/**
 * Inspects a request for one response that is not streamed: the expected cost of its prompt, and its stated maximum.
 * Never throws, whatever the shape. Called for every request: members are assigned one by one, because spreading costs
 * as much as reading the prompt.
 */
export function inspectPrompt(
  body: Body,
  model: string,
  provider: ProviderId,
  { media, hasOutput }: PromptParts = TEXT_ALONE,
): Inspection {
  const text = promptText(body)
  const profile = modelProfile(model, provider)
  const inspection: Inspection = {
    model,
    streamed: false,
    promptBytes: text.textBytes + text.denseBytes,
    bytesPerToken: profile.bytesPerToken,
    frameTokens: profile.baseTokens + text.turns * profile.turnTokens + text.calls * profile.callTokens,
    mediaParts: media.parts,
    mediaTokens: media.tokens,
    outputs: 1,
    addsUsage: false,
  }
  const toolTokens = toolTokensOf(text, profile, body)
  if (toolTokens !== 0) inspection.toolTokens = toolTokens
  if (text.sealedBytes !== 0) inspection.sealedBytes = text.sealedBytes
  if (providerAddsInput(body, model)) inspection.providerAddsInput = true
  if (hasStoredPrompt(body)) inspection.hasStoredPrompt = true
  if (!hasOutput) {
    inspection.maxOutputTokens = 0
    return inspection
  }
  const maximum = statedMaximum(body)
  if (maximum === undefined) return inspection
  inspection.maxOutputTokens = maximum.maxOutputTokens
  inspection.maxOutputParameter = maximum.maxOutputParameter
  return inspection
}

const TEXT_ALONE: PromptParts = { media: { parts: 0, tokens: 0 }, hasOutput: true }

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

/** Bytes of a list without tools. */
const EMPTY_BYTES = 2
/** Bytes of a format without a schema, such as `{"type":"json_object"}`, or of an effort. */
const SCHEMALESS_BYTES = 48

/** Returns whether the request forces a tool call. */
function isToolForced({ tool_choice, toolConfig }: Body): boolean {
  const choice = isRecord(toolConfig) ? toolConfig.toolChoice : tool_choice
  if (choice === 'required' || choice === 'any') return true
  if (!isRecord(choice)) return false
  return choice.any !== undefined || choice.tool !== undefined || FORCING.has(String(choice.type))
}

const FORCING: ReadonlySet<string> = new Set(['any', 'tool', 'function', 'custom'])

/** The inspection of requests that cost no tokens. */
export const NO_TOKENS: RequestInspection = {
  model: '',
  streamed: false,
  promptBytes: 0,
  mediaParts: 0,
  maxOutputTokens: 0,
  outputs: 1,
  addsUsage: false,
}
