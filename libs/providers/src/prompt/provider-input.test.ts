import { expect, it } from 'vitest'
import { hasStoredPrompt, providerAddsInput } from './provider-input.ts'

it.each([
  ["Anthropic's web search", { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }],
  ["Anthropic's computer", { tools: [{ type: 'computer_20250124', name: 'computer' }] }],
  ["Anthropic's MCP servers", { mcp_servers: [{ type: 'url', url: 'https://mcp.example' }] }],
  ['a container', { container: 'container_1' }],
  ['compaction', { context_management: { edits: [{ type: 'compact_20260112' }] } }],
  ["OpenAI's file search", { tools: [{ type: 'file_search', vector_store_ids: ['vs_1'] }] }],
  [
    "OpenAI's MCP",
    {
      tools: [
        { type: 'function', name: 'f' },
        { type: 'mcp', server_label: 's' },
      ],
    },
  ],
  ["OpenAI's search in chats", { web_search_options: {} }],
  ["Google's search", { tools: [{ googleSearch: {} }] }],
  ["Google's code in snake case", { tools: [{ functionDeclarations: [{ name: 'f' }] }, { code_execution: {} }] }],
  ["Google's pages", { tools: [{ urlContext: {} }] }],
  ["Nova's grounding", { toolConfig: { tools: [{ systemTool: { name: 'nova_grounding' } }] } }],
  ['Claude on Bedrock', { additionalModelRequestFields: { tools: [{ type: 'computer_20250124' }] } }],
  ["Azure's own data", { data_sources: [{ type: 'azure_search', parameters: {} }] }],
  ["xAI's search", { search_parameters: { mode: 'auto' } }],
])('is known: %s', (_, body) => {
  expect(providerAddsInput(body, 'm')).toBe(true)
})

it.each(['groq/compound', 'compound-beta-mini', 'gpt-4o-search-preview', 'o3-deep-research', 'sonar-pro'])(
  'is known of the model %s',
  (model) => {
    expect(providerAddsInput({}, model)).toBe(true)
  },
)

it.each([
  ['no tools', {}],
  ["tools of the application's own", { tools: [{ type: 'function', function: { name: 'file_search' } }] }],
  [
    "Anthropic's form of them",
    {
      tools: [
        { name: 'web_search', input_schema: {} },
        { type: 'custom', name: 'x' },
      ],
    },
  ],
  ["Google's", { tools: [{ functionDeclarations: [{ name: 'googleSearch' }] }] }],
  ["Converse's", { toolConfig: { tools: [{ toolSpec: { name: 'x' } }, { cachePoint: { type: 'default' } }] } }],
  ['nothing given', { mcp_servers: [], container: null, tools: null, web_search_options: undefined }],
])('expects no added input with %s', (_, body) => {
  expect(providerAddsInput(body, 'gpt-4.1')).toBe(false)
})

it.each([
  ["OpenAI's responses", { previous_response_id: 'resp_1' }],
  ["OpenAI's conversations", { conversation: { id: 'conv_1' } }],
  ["Google's interactions", { previous_interaction_id: 'int_1' }],
  ["Google's cached content", { cachedContent: 'cachedContents/1' }],
  ['cached content in snake case', { cached_content: 'cachedContents/1' }],
  ["Anthropic's threads", { thread: { type: 'continue', previous_message_id: 'msg_1' } }],
  ['Claude on Bedrock', { additionalModelRequestFields: { thread: { type: 'continue', previous_message_id: 'm' } } }],
])('continues data that the provider stores: %s', (_, body) => {
  expect(hasStoredPrompt(body)).toBe(true)
})

it.each([
  ['nothing', {}],
  ['null', { previous_response_id: null, conversation: null, thread: null, cachedContent: undefined }],
  ['a thread that begins with this request', { thread: { type: 'create' } }],
  ['a prompt that is text', { prompt: 'Once upon' }],
])('does not continue stored data: %s', (_, body) => {
  expect(hasStoredPrompt(body)).toBe(false)
})
