import type { ProviderId } from '@sluice/contracts'

/** The way a family of models tokenizes a prompt, before anything is learned about the connection's own model. */
export interface ModelProfile {
  /** UTF-8 bytes of text per token. */
  readonly bytesPerToken: number
  /** Tokens per prompt, per message, and per tool call or result, in addition to their text. */
  readonly baseTokens: number
  readonly turnTokens: number
  readonly callTokens: number
  /** Bytes of a tool definition, as JSON, per token. */
  readonly toolBytesPerToken: number
  /**
   * Tokens of the prompt that explains tool calls, where a request has tools: with a free choice, and with a forced
   * call.
   */
  readonly toolPromptTokens: number
  readonly forcedToolPromptTokens?: number
  /** Bytes of a response schema, as JSON, per token; infinite where it is not part of the prompt. */
  readonly schemaBytesPerToken: number
  readonly schemaPromptTokens: number
}

/** Returns the profile of a model by its name, whichever provider or server runs it. */
export function modelProfile(model: string, provider: ProviderId): ModelProfile {
  profiles[provider] ??= rememberedByModel((name) => profileOf(name, provider))
  return profiles[provider](model)
}

/** Profiles that were computed before, by provider. */
const profiles: Partial<Record<ProviderId, (model: string) => ModelProfile>> = {}

/** Memoizes `read` by model name: matching names by regular expressions takes longer than everything else. */
export function rememberedByModel<Known>(read: (model: string) => Known): (model: string) => Known {
  const knownByModel = new Map<string, Known>()
  return (model) => {
    let known = knownByModel.get(model)
    if (known === undefined) {
      known = read(model)
      // Applications choose the names, which must not pile up.
      if (knownByModel.size >= MAX_KNOWN) knownByModel.clear()
      knownByModel.set(model, known)
    }
    return known
  }
}

const MAX_KNOWN = 256

function profileOf(model: string, provider: ProviderId): ModelProfile {
  const name = model.toLowerCase()
  if (name.includes('claude')) return claudeProfile(name)
  if (provider === 'google' || name.includes('gemini') || name.includes('gemma')) return GEMINI
  if (name.includes('gpt-oss')) return GPT_OSS
  if (name.includes('nova-2')) return NOVA_2
  if (name.includes('nova')) return NOVA
  if (provider === 'groq' && !name.includes('llama-3'))
    return name.includes('llama-4') ? LLAMA_4_ON_GROQ : OTHER_ON_GROQ
  if (name.includes('mistral') || name.includes('magistral') || name.includes('devstral')) return MISTRAL
  if (/(^|[/.])(gpt|chatgpt|o\d|text-|davinci|babbage|ft:gpt)/.test(name)) return GPT
  if (name.includes('deepseek')) return DEEPSEEK
  if (name.includes('llama')) return LLAMA
  return OTHER
}

/**
 * Values without a source are those that best fit public recordings of real requests and their usage, rounded toward
 * more tokens (docs/token-estimate.md).
 */
const GPT: ModelProfile = {
  bytesPerToken: 4.4,
  baseTokens: 3,
  turnTokens: 4,
  callTokens: 9,
  // The model sees definitions as TypeScript, which is shorter than their JSON.
  toolBytesPerToken: 8,
  toolPromptTokens: 15,
  schemaBytesPerToken: 6.5,
  schemaPromptTokens: 20,
}

/** Prompts begin with a description of the response's channels. */
const GPT_OSS: ModelProfile = { ...GPT, bytesPerToken: 4.2, baseTokens: 71, callTokens: 12, toolPromptTokens: 40 }

/** Response schemas constrain the output without being in the prompt. */
const GEMINI: ModelProfile = {
  bytesPerToken: 4.4,
  baseTokens: 1,
  turnTokens: 1,
  callTokens: 16,
  toolBytesPerToken: 4.8,
  toolPromptTokens: 4,
  schemaBytesPerToken: Number.POSITIVE_INFINITY,
  schemaPromptTokens: 0,
}

const NOVA: ModelProfile = {
  bytesPerToken: 4,
  baseTokens: 2,
  turnTokens: 3,
  callTokens: 10,
  toolBytesPerToken: 3.5,
  toolPromptTokens: 300,
  schemaBytesPerToken: 3.5,
  schemaPromptTokens: 50,
}

const NOVA_2: ModelProfile = { ...NOVA, toolPromptTokens: 820 }

const MISTRAL: ModelProfile = {
  bytesPerToken: 4.4,
  baseTokens: 4,
  turnTokens: 2,
  callTokens: 8,
  toolBytesPerToken: 3.5,
  toolPromptTokens: 8,
  schemaBytesPerToken: Number.POSITIVE_INFINITY,
  schemaPromptTokens: 0,
}

/** Unknown models. */
const OTHER: ModelProfile = {
  bytesPerToken: 4,
  baseTokens: 5,
  turnTokens: 4,
  callTokens: 10,
  toolBytesPerToken: 4,
  toolPromptTokens: 100,
  schemaBytesPerToken: 4,
  schemaPromptTokens: 20,
}

const DEEPSEEK: ModelProfile = { ...OTHER, toolPromptTokens: 210 }
/** Prompts begin with two dates. */
const LLAMA: ModelProfile = { ...OTHER, baseTokens: 30, toolPromptTokens: 200 }
const OTHER_ON_GROQ: ModelProfile = { ...OTHER, baseTokens: 15, toolPromptTokens: 200 }
const LLAMA_4_ON_GROQ: ModelProfile = { ...OTHER, toolPromptTokens: 640 }

function claudeProfile(name: string): ModelProfile {
  const [, toolPromptTokens, forcedToolPromptTokens, tokenizer] =
    CLAUDE_MODELS.find(([part]) => part.test(name)) ?? NEWEST_CLAUDE
  return { ...CLAUDE_TOKENIZERS[tokenizer], toolPromptTokens, forcedToolPromptTokens }
}

const CLAUDE: Omit<ModelProfile, 'toolPromptTokens'> = {
  bytesPerToken: 4.2,
  baseTokens: 2,
  turnTokens: 6,
  callTokens: 22,
  toolBytesPerToken: 3.6,
  schemaBytesPerToken: 3.6,
  schemaPromptTokens: 120,
}

/** Since Opus 4.7, texts have up to 1.35 times as many tokens, according to its release notes. */
const CLAUDE_TOKENIZERS = { first: CLAUDE, second: { ...CLAUDE, bytesPerToken: 3.1, toolBytesPerToken: 2.7 } } as const

/** Newer models count as the newest known one. */
const NEWEST_CLAUDE = [/^/, 354, 474, 'second'] as const

/**
 * Tokens of the prompt that explains tool calls: with the choice `auto` or `none`, and with `any` or a named tool.
 * @see https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview#pricing
 */
const CLAUDE_MODELS: readonly (readonly [
  name: RegExp,
  auto: number,
  forced: number,
  tokenizer: keyof typeof CLAUDE_TOKENIZERS,
])[] = [
  [/opus-4[.-]7/, 675, 804, 'second'],
  [/opus-4[.-]8/, 290, 410, 'second'],
  [/opus-5/, 286, 406, 'second'],
  [/(opus|sonnet|haiku)-4[.-][56]/, 497, 589, 'first'],
  [/(opus|sonnet)-4/, 313, 315, 'first'],
  [/3[.-]7-sonnet|sonnet-3[.-]7|3[.-]5-sonnet|sonnet-3[.-]5/, 346, 346, 'first'],
  [/3-opus|opus-3/, 530, 281, 'first'],
  [/3-sonnet|sonnet-3/, 159, 235, 'first'],
  [/3-haiku|haiku-3|3[.-]5-haiku/, 264, 340, 'first'],
  [/claude-(2|instant)|:v2/, 346, 346, 'first'],
]
