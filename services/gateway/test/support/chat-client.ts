/** A client of OpenAI's SDK, or of Groq's, which was made after it: as much of chats as both have in the same words. */
export interface ChatClient {
  readonly chat: { readonly completions: ChatCompletions }
}

export interface ChatCompletions {
  create(request: ChatRequest & { readonly stream: true }, options?: ChatOptions): Promise<AsyncIterable<ChatChunk>>
  create(request: ChatRequest, options?: ChatOptions): Promise<ChatResponse>
}

export interface ChatOptions {
  readonly signal?: AbortSignal
}

export interface ChatRequest {
  readonly model: string
  readonly max_tokens?: number
  readonly messages: ChatMessage[]
  readonly tools?: ChatTool[]
  readonly tool_choice?: 'auto' | 'required'
  readonly stream_options?: { readonly include_usage: boolean }
}

export type ChatMessage =
  | { readonly role: 'user'; readonly content: string | ChatPart[] }
  | { readonly role: 'assistant'; readonly content: string | null; readonly tool_calls: ChatToolCall[] }
  | { readonly role: 'tool'; readonly tool_call_id: string; readonly content: string }

type ChatPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image_url'; readonly image_url: { readonly url: string } }

interface ChatTool {
  readonly type: 'function'
  readonly function: { readonly name: string; readonly parameters: { readonly [name: string]: unknown } }
}

export interface ChatToolCall {
  readonly id: string
  readonly type: 'function'
  readonly function: { readonly name: string; readonly arguments: string }
}

export interface ChatResponse {
  readonly choices: readonly {
    readonly finish_reason: string
    readonly message: { readonly content: string | null; readonly tool_calls?: readonly object[] | undefined }
  }[]
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | undefined
}

export interface ChatChunk {
  readonly choices: readonly { readonly delta: ChatDelta; readonly finish_reason: string | null }[]
}

interface ChatDelta {
  readonly content?: string | null | undefined
  readonly tool_calls?: readonly { readonly function?: { readonly name?: string; readonly arguments?: string } }[]
}
