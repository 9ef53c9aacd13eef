import { isRecord } from '../wire/json.ts'
import { rememberedByModel } from './model-profile.ts'

type Body = Readonly<Record<string, unknown>>

/**
 * Returns whether the provider adds to the prompt or removes from it: results of tools that it runs itself (search,
 * code, MCP, computers), a container's state, a conversation that it compacts. The request's bytes then say little
 * about its tokens. Knows every provider's names, because servers accept several; never throws, whatever the shape.
 */
export function providerAddsInput(body: Body, model: string): boolean {
  if (isSearching(model)) return true
  // A body has fewer members than there are names to look up.
  for (const name in body) {
    const looksIn = MEMBERS.get(name)
    if (looksIn?.(body[name], model) === true) return true
  }
  return false
}

const isSearching = rememberedByModel((model) => SEARCHING_MODEL.test(model))

/**
 * Returns whether a request continues something that the provider stores: an earlier response or interaction, a
 * conversation, a thread (then system prompt and tools are not in the request either), cached content, a stored prompt.
 * Knows every provider's names.
 */
export function hasStoredPrompt(body: Body): boolean {
  for (const name in body) {
    if (!STORED_MEMBERS.has(name)) continue
    const value = body[name]
    if (typeof value === 'string' || (isRecord(value) && value.type !== 'create')) return true
  }
  return isRecord(body.additionalModelRequestFields) && hasStoredPrompt(body.additionalModelRequestFields)
}

/**
 * OpenAI's (its `prompt` is text elsewhere), Google's, and Anthropic's: there `{"type":"create"}` contains the whole
 * prompt.
 */
const STORED_MEMBERS: ReadonlySet<string> = new Set([
  'previous_response_id',
  'conversation',
  'conversation_id',
  'previous_interaction_id',
  'cachedContent',
  'cached_content',
  'thread',
  'thread_id',
])

/** Groq's compound systems, and models that search before they respond. */
const SEARCHING_MODEL = /compound|search-preview|search-api|deep-research|^sonar|\bsonar/

/** Of Anthropic, OpenAI's chat, Groq, xAI, OpenRouter, Bedrock and Azure, in this order. */
const ADDING_MEMBERS = [
  'mcp_servers',
  'container',
  'context_management',
  'fallbacks',
  'web_search_options',
  'search_settings',
  'compound_custom',
  'search_parameters',
  'plugins',
  'promptVariables',
  'data_sources',
] as const

type AddsInput = (value: unknown, model: string) => boolean

/** By name: whether a member of the body makes the provider add input. */
const MEMBERS: ReadonlyMap<string, AddsInput> = new Map<string, AddsInput>([
  ...ADDING_MEMBERS.map((name) => [name, isGiven] as const),
  ['tools', hasServerTool],
  ['toolConfig', (value) => isRecord(value) && hasServerTool(value.tools)],
  ['additionalModelRequestFields', (value, model) => isRecord(value) && providerAddsInput(value, model)],
])

function isGiven(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0
  return value !== undefined && value !== null && value !== false
}

function hasServerTool(tools: unknown): boolean {
  if (!Array.isArray(tools)) return false
  for (const tool of tools) {
    if (!isRecord(tool)) continue
    const { type } = tool
    if (typeof type === 'string') {
      if (!CALLERS_TYPES.has(type)) return true
    } else {
      // Google's and Converse's tools have no type: a member's name shows which it is. Anthropic's definition is a tool
      // itself.
      for (const name in tool) if (SERVER_TOOL.test(name)) return true
    }
  }
  return false
}

/** Types of tools that the application defines and runs. */
const CALLERS_TYPES: ReadonlySet<string> = new Set(['function', 'custom', 'namespace'])

const SERVER_TOOL =
  /^(google_?search|google_?search_?retrieval|code_?execution|url_?context|file_?search|google_?maps|computer_?use|enterprise_?web_?search|retrieval|mcp_?servers|system_?tool)$/i
