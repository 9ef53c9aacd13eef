import type { ProviderId } from '@sluice/contracts'
import { IMAGE_BASE64, PROMPT } from './native-sdk.ts'

/** A request that a caller could send to a provider directly, or through Sluice. */
export interface NativeCall {
  readonly method: 'GET' | 'POST'
  /** Below the connection's URL, or the provider's. */
  readonly path: string
  readonly body?: object
}

export interface NativeApi {
  /** The header that holds the key, and what else the API wants in every request. */
  headers(apiKey: string): Readonly<Record<string, string>>
  /** One of each kind, by name: every route, plain and streamed, and requests that are refused. */
  readonly calls: Readonly<Record<string, NativeCall>>
}

export const NATIVE_APIS: Readonly<Record<Exclude<ProviderId, 'aws-bedrock'>, NativeApi>> = {
  openai: { headers: bearer, calls: openAiCalls() },
  anthropic: { headers: anthropicHeaders, calls: anthropicCalls() },
  google: { headers: (apiKey) => ({ 'x-goog-api-key': apiKey }), calls: googleCalls() },
  groq: { headers: bearer, calls: groqCalls() },
}

function bearer(apiKey: string) {
  return { authorization: `Bearer ${apiKey}` }
}

function anthropicHeaders(apiKey: string) {
  return { 'x-api-key': apiKey, 'anthropic-version': '2023-06-01' }
}

function get(path: string): NativeCall {
  return { method: 'GET', path }
}

function post(path: string, body: object): NativeCall {
  return { method: 'POST', path, body }
}

function openAiCalls() {
  const chat = { model: 'gpt-4.1-mini', messages: [{ role: 'user', content: PROMPT }] }
  const tools = [{ type: 'function', function: { name: 'level', parameters: { type: 'object', properties: {} } } }]
  const completion = { model: 'gpt-3.5-turbo-instruct', prompt: PROMPT }
  const response = { model: 'gpt-4.1-mini', input: PROMPT }
  const streamed = { stream: true }
  const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${IMAGE_BASE64}` } }
  return {
    chat: post('/v1/chat/completions', chat),
    'chat about an image': post('/v1/chat/completions', { ...chat, messages: [{ role: 'user', content: [image] }] }),
    'chat with a tool': post('/v1/chat/completions', { ...chat, tools, tool_choice: 'required' }),
    'streamed chat': post('/v1/chat/completions', { ...chat, ...streamed }),
    'streamed chat with a tool': post('/v1/chat/completions', { ...chat, ...streamed, tools, tool_choice: 'required' }),
    'streamed chat with usage': post('/v1/chat/completions', {
      ...chat,
      ...streamed,
      stream_options: { include_usage: true },
    }),
    'streamed chat without obfuscation': post('/v1/chat/completions', {
      ...chat,
      ...streamed,
      stream_options: { include_obfuscation: false },
    }),
    completion: post('/v1/completions', completion),
    'streamed completion': post('/v1/completions', { ...completion, ...streamed }),
    response: post('/v1/responses', response),
    'streamed response': post('/v1/responses', { ...response, ...streamed }),
    embeddings: post('/v1/embeddings', { model: 'text-embedding-3-small', input: PROMPT }),
    models: get('/v1/models'),
    model: get('/v1/models/gpt-4o'),
    'a model that is not': get('/v1/models/none'),
    'a chat with a model that is not': post('/v1/chat/completions', { ...chat, model: 'none' }),
    'a chat without a model': post('/v1/chat/completions', { messages: chat.messages }),
    'a chat without messages': post('/v1/chat/completions', { ...chat, messages: [] }),
    'a path that is not': get('/v1/nowhere'),
    'a method that is not': get('/v1/chat/completions'),
  }
}

function anthropicCalls() {
  const messages = [{ role: 'user', content: PROMPT }]
  const message = { model: 'claude-sonnet-4-6', max_tokens: 40, messages }
  const tools = [{ name: 'level', input_schema: { type: 'object', properties: { gate: { type: 'string' } } } }]
  const tool = { ...message, tools, tool_choice: { type: 'any' } }
  return {
    message: post('/v1/messages', message),
    'message with a tool': post('/v1/messages', tool),
    'streamed message': post('/v1/messages', { ...message, stream: true }),
    'streamed message with a tool': post('/v1/messages', { ...tool, stream: true }),
    'count of tokens': post('/v1/messages/count_tokens', { model: message.model, messages }),
    models: get('/v1/models'),
    model: get('/v1/models/claude-sonnet-4-6'),
    'a model that is not': get('/v1/models/none'),
    'a message with a model that is not': post('/v1/messages', { ...message, model: 'none' }),
    'a message without a model': post('/v1/messages', { max_tokens: 40, messages }),
    'a message without a maximum': post('/v1/messages', { model: message.model, messages }),
    'a path that is not': get('/v1/nowhere'),
  }
}

function googleCalls() {
  const model = '/v1beta/models/gemini-2.5-flash'
  const contents = [{ role: 'user', parts: [{ text: PROMPT }] }]
  const declaration = { name: 'level', parameters: { type: 'OBJECT', properties: { gate: { type: 'STRING' } } } }
  const tool = {
    contents,
    tools: [{ functionDeclarations: [declaration] }],
    toolConfig: { functionCallingConfig: { mode: 'ANY' } },
  }
  const content = { parts: [{ text: PROMPT }] }
  const embedding = { model: 'models/gemini-embedding-001', content }
  return {
    content: post(`${model}:generateContent`, { contents }),
    'content with a function': post(`${model}:generateContent`, tool),
    'content as events': post(`${model}:streamGenerateContent?alt=sse`, { contents }),
    'content with a function as events': post(`${model}:streamGenerateContent?alt=sse`, tool),
    'content as an array': post(`${model}:streamGenerateContent`, { contents }),
    'count of tokens': post(`${model}:countTokens`, { contents }),
    embedding: post('/v1beta/models/gemini-embedding-001:embedContent', { content }),
    embeddings: post('/v1beta/models/gemini-embedding-001:batchEmbedContents', { requests: [embedding] }),
    models: get('/v1beta/models'),
    model: get(model),
    'a model that is not': get('/v1beta/models/none'),
    'content of a model that is not': post('/v1beta/models/none:generateContent', { contents }),
    'content without contents': post(`${model}:generateContent`, {}),
    'a field that is not': post(`${model}:generateContent`, { contents, none: 1 }),
  }
}

function groqCalls() {
  const chat = { model: 'llama-3.3-70b-versatile', messages: [{ role: 'user', content: PROMPT }] }
  const tools = [{ type: 'function', function: { name: 'level', parameters: { type: 'object', properties: {} } } }]
  const path = '/openai/v1/chat/completions'
  return {
    chat: post(path, chat),
    'chat with a tool': post(path, { ...chat, tools, tool_choice: 'required' }),
    'streamed chat': post(path, { ...chat, stream: true }),
    'streamed chat with a tool': post(path, { ...chat, stream: true, tools, tool_choice: 'required' }),
    'streamed chat with usage': post(path, { ...chat, stream: true, stream_options: { include_usage: true } }),
    models: get('/openai/v1/models'),
    model: get('/openai/v1/models/llama-3.3-70b-versatile'),
    'a model that is not': get('/openai/v1/models/none'),
    'a chat with a model that is not': post(path, { ...chat, model: 'none' }),
    'a chat without messages': post(path, { ...chat, messages: [] }),
    'a path that is not': get('/openai/v1/nowhere'),
  }
}
