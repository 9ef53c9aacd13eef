import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false } as const

/** Name of a tool or a schema. @see https://platform.openai.com/docs/api-reference/chat/create#chat-create-tools */
const givenName = Type.String({
  pattern: '^[a-zA-Z0-9_-]{1,64}$',
  errorMessage: 'must be 1 to 64 letters (a to z, A to Z), digits, "_" and "-"',
})

/** @see https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages */
const textPart = Type.Object({ type: Type.Literal('text'), text: Type.String() }, closed)

export type ImagePart = Static<typeof ImagePart>
export const ImagePart = Type.Object(
  {
    type: Type.Literal('image_url'),
    image_url: Type.Object(
      {
        /** A data URL in base64, or an https URL. */
        url: Type.String(),
        detail: Type.Optional(Type.Union([Type.Literal('auto'), Type.Literal('low'), Type.Literal('high')])),
      },
      closed,
    ),
  },
  closed,
)

export type FilePart = Static<typeof FilePart>
export const FilePart = Type.Object(
  {
    type: Type.Literal('file'),
    file: Type.Object(
      {
        /** A data URL, base64 alone, or, where the provider takes it, an https URL. */
        file_data: Type.Optional(Type.String({ minLength: 1 })),
        /** A file stored at OpenAI, which no other provider can read. */
        file_id: Type.Optional(Type.String({ minLength: 1 })),
        filename: Type.Optional(Type.String()),
      },
      closed,
    ),
  },
  closed,
)

export type AudioPart = Static<typeof AudioPart>
export const AudioPart = Type.Object(
  {
    type: Type.Literal('input_audio'),
    /** In base64. */
    input_audio: Type.Object({ data: Type.String({ minLength: 1 }), format: Type.String({ minLength: 1 }) }, closed),
  },
  closed,
)

const refusalPart = Type.Object({ type: Type.Literal('refusal'), refusal: Type.String() }, closed)

const text = Type.Union([Type.String(), Type.Array(textPart, { minItems: 1 })])

/** May be empty. OpenAI itself takes only text. */
const resultContent = Type.Union([Type.String(), Type.Array(Type.Union([textPart, ImagePart, FilePart]))])

/** Distinguishes several speakers in one role: see `message-history.ts`. */
const name = Type.Optional(Type.String())

/** A response's field that is for the application to read only: no provider takes it back. */
const forReading = Type.Optional(Type.Unknown())

const SystemMessage = Type.Object(
  { role: Type.Union([Type.Literal('system'), Type.Literal('developer')]), content: text, name },
  closed,
)

export type UserMessage = Static<typeof UserMessage>
export const UserMessage = Type.Object(
  {
    role: Type.Literal('user'),
    content: Type.Union([
      Type.String(),
      Type.Array(Type.Union([textPart, ImagePart, FilePart, AudioPart]), { minItems: 1 }),
    ]),
    name,
  },
  closed,
)

/**
 * Data that a provider returned beside OpenAI's fields and requires back with the conversation, by provider. The
 * translator puts it into the response, and the application returns it. The field's name is that of Google's
 * OpenAI-compatible API.
 */
const extraContent = Type.Optional(Type.Record(Type.String(), Type.Unknown()))

export type ToolCall = Static<typeof ToolCall>
export const ToolCall = Type.Object(
  {
    id: Type.String(),
    type: Type.Literal('function'),
    function: Type.Object(
      {
        name: Type.String({ minLength: 1 }),
        /** JSON text. */
        arguments: Type.String(),
        /** The arguments as parsed by OpenAI's SDK. */
        parsed_arguments: forReading,
        provider_specific_fields: forReading,
      },
      closed,
    ),
    extra_content: extraContent,
    provider_specific_fields: forReading,
    /** Present where the call was assembled from a stream. */
    index: Type.Optional(Type.Integer()),
  },
  closed,
)

export type AssistantMessage = Static<typeof AssistantMessage>
export const AssistantMessage = Type.Object(
  {
    role: Type.Literal('assistant'),
    content: Type.Optional(Type.Union([Type.String(), Type.Array(Type.Union([textPart, refusalPart])), Type.Null()])),
    refusal: Type.Optional(Type.String()),
    tool_calls: Type.Optional(Type.Array(ToolCall)),
    name,
    /**
     * An earlier response's reasoning, which no provider takes back in this form. DeepSeek, xAI, vLLM, Sluice itself.
     */
    reasoning_content: forReading,
    /** The same: Groq, OpenRouter, Cerebras, vLLM. */
    reasoning: forReading,
    /** OpenRouter. */
    reasoning_details: forReading,
    /** GitHub Copilot. */
    reasoning_text: forReading,
    reasoning_opaque: forReading,
    /** Ollama. */
    thinking: forReading,
    /** LiteLLM. */
    thinking_blocks: forReading,
    provider_specific_fields: forReading,
    /** Citations: OpenAI's search models, OpenRouter, Azure. */
    annotations: forReading,
    citations: forReading,
    /** Perplexity. */
    search_results: forReading,
    /** Azure: the documents behind the response. */
    context: forReading,
    /** Groq: the tools that ran on its side. */
    executed_tools: forReading,
    logprobs: forReading,
    extra_content: extraContent,
    /** The content as parsed by OpenAI's SDK. */
    parsed: forReading,
  },
  closed,
)

export type ToolMessage = Static<typeof ToolMessage>
export const ToolMessage = Type.Object(
  {
    role: Type.Literal('tool'),
    tool_call_id: Type.String(),
    content: resultContent,
    name,
  },
  closed,
)

export type ChatMessage = Static<typeof ChatMessage>
export const ChatMessage = Type.Union([SystemMessage, UserMessage, AssistantMessage, ToolMessage])

/** Schemas by role: validating by role gives an error for the field and not only for the message. */
export const MESSAGE_SCHEMAS = {
  system: SystemMessage,
  developer: SystemMessage,
  user: UserMessage,
  assistant: AssistantMessage,
  tool: ToolMessage,
} as const

export type ChatTool = Static<typeof ChatTool>
export const ChatTool = Type.Object(
  {
    type: Type.Literal('function'),
    function: Type.Object(
      {
        name: givenName,
        description: Type.Optional(Type.String()),
        /** A JSON schema. */
        parameters: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
        strict: Type.Optional(Type.Boolean()),
      },
      closed,
    ),
  },
  closed,
)

const ToolChoice = Type.Union([
  Type.Literal('none'),
  Type.Literal('auto'),
  Type.Literal('required'),
  Type.Object(
    { type: Type.Literal('function'), function: Type.Object({ name: Type.String({ minLength: 1 }) }, closed) },
    closed,
  ),
])

const ResponseFormat = Type.Union([
  Type.Object({ type: Type.Literal('text') }, closed),
  Type.Object({ type: Type.Literal('json_object') }, closed),
  Type.Object(
    {
      type: Type.Literal('json_schema'),
      json_schema: Type.Object(
        {
          name: givenName,
          description: Type.Optional(Type.String()),
          schema: Type.Record(Type.String(), Type.Unknown()),
          strict: Type.Optional(Type.Boolean()),
        },
        closed,
      ),
    },
    closed,
  ),
])

/** @see https://platform.openai.com/docs/api-reference/chat/create#chat-create-reasoning_effort */
export type ReasoningEffort = Static<typeof ReasoningEffort>
export const ReasoningEffort = Type.Union([
  Type.Literal('none'),
  Type.Literal('minimal'),
  Type.Literal('low'),
  Type.Literal('medium'),
  Type.Literal('high'),
  Type.Literal('xhigh'),
  Type.Literal('max'),
])

const outputMaximum = Type.Optional(Type.Integer({ minimum: 1 }))

/**
 * A chat request of OpenAI's API, with the parameters that at least one other provider supports. Nulls and default
 * values have been removed: see `message-history.ts` and `read-chat-request.ts`.
 */
export type ChatRequest = Static<typeof ChatRequest>
export const ChatRequest = Type.Object(
  {
    model: Type.String(),
    messages: Type.Array(ChatMessage, { minItems: 1 }),
    /** The older name of `max_completion_tokens`. */
    max_tokens: outputMaximum,
    max_completion_tokens: outputMaximum,
    temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 2 })),
    top_p: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    stop: Type.Optional(
      Type.Union([Type.String({ minLength: 1 }), Type.Array(Type.String({ minLength: 1 }), { maxItems: 4 })]),
    ),
    seed: Type.Optional(Type.Integer()),
    n: Type.Optional(Type.Integer({ minimum: 1, maximum: 128 })),
    frequency_penalty: Type.Optional(Type.Number({ minimum: -2, maximum: 2 })),
    presence_penalty: Type.Optional(Type.Number({ minimum: -2, maximum: 2 })),
    logprobs: Type.Optional(Type.Boolean()),
    top_logprobs: Type.Optional(Type.Integer({ minimum: 0, maximum: 20 })),
    stream: Type.Optional(Type.Boolean()),
    stream_options: Type.Optional(
      Type.Object(
        {
          include_usage: Type.Optional(Type.Boolean()),
          /** Padding against traffic analysis, which other providers do not have. */
          include_obfuscation: Type.Optional(Type.Literal(false)),
        },
        closed,
      ),
    ),
    tools: Type.Optional(Type.Array(ChatTool, { maxItems: 128 })),
    tool_choice: Type.Optional(ToolChoice),
    parallel_tool_calls: Type.Optional(Type.Boolean()),
    response_format: Type.Optional(ResponseFormat),
    reasoning_effort: Type.Optional(ReasoningEffort),
    user: Type.Optional(Type.String({ maxLength: 512 })),
    metadata: Type.Optional(Type.Record(Type.String(), Type.String())),
  },
  closed,
)

/** Returns whether a text is only white space: some providers refuse blocks of such text. */
export function isBlank(text: string): boolean {
  return text.trim() === ''
}

/** Returns the texts of a message that are not blank, in order. */
export function nonBlankTexts(content: string | readonly { readonly text: string }[]): string[] {
  const texts = typeof content === 'string' ? [content] : content.map(({ text }) => text)
  return texts.filter((text) => !isBlank(text))
}

/** Returns the text of an assistant message, or its refusal. */
export function responseText({ content, refusal }: AssistantMessage): string {
  const text = Array.isArray(content)
    ? content.map((part) => (part.type === 'text' ? part.text : part.refusal)).join('')
    : (content ?? '')
  return isBlank(text) ? (refusal ?? text) : text
}
