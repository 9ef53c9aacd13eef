import { isRecord } from '../wire/json.ts'
import { rememberedByModel } from './model-profile.ts'

type Body = Readonly<Record<string, unknown>>

/**
 * Whether the provider puts into the prompt what the request does not hold, or takes out what it holds: the results of tools that it
 * runs by itself (search, code, MCP, computers), a container's state, a conversation that it compacts. The request's bytes then say
 * little about its tokens. In any provider's words, as servers know several; never throws, whatever the shape.
 */
export function providerAddsInput(body: Body, model: string): boolean {
  if (isSearching(model)) return true
  // A body has fewer members than could be asked for.
  for (const name in body) {
    const looksIn = MEMBERS.get(name)
    if (looksIn?.(body[name], model) === true) return true
  }
  return false
}

const isSearching = rememberedByModel((model) => SEARCHING_MODEL.test(model))
/**
 * Whether a request goes on from something that the provider keeps: an earlier response or interaction, a conversation, a thread (its system
 * prompt and tools are then not in the request either), cached content, a stored prompt. In any provider's words.
 */
export function hasStoredPrompt(body: Body): boolean {
  for (const name in body) {
    if (!STORED_MEMBERS.has(name)) continue
    const value = body[name]
    if (typeof value === 'string' || (isRecord(value) && value.type !== 'create')) return true
  }
  return isRecord(body.additionalModelRequestFields) && hasStoredPrompt(body.additionalModelRequestFields)
}

/** OpenAI's (its `prompt` is text elsewhere), Google's, Anthropic's, of which `{"type":"create"}` holds all of the prompt. */
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

/** Groq's systems of several models, and models that search before they respond. */
const SEARCHING_MODEL = /compound|search-preview|search-api|deep-research|^sonar|\bsonar/

/** Anthropic's, OpenAI's chat's, Groq's, xAI's, OpenRouter's, Bedrock's, and Azure's, in this order. */
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

/** Whether a member of the body makes the provider add input, by its name. */
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
      // Google and Converse have no type: a member says which tool it is, and Anthropic's definition is a tool itself.
      for (const name in tool) if (SERVER_TOOL.test(name)) return true
    }
  }
  return false
}

/** Tools that the application defines and runs. */
const CALLERS_TYPES: ReadonlySet<string> = new Set(['function', 'custom', 'namespace'])

const SERVER_TOOL =
  /^(google_?search|google_?search_?retrieval|code_?execution|url_?context|file_?search|google_?maps|computer_?use|enterprise_?web_?search|retrieval|mcp_?servers|system_?tool)$/i
