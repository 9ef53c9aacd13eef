import { type TProperties, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { CompiledSchema } from '../../wire/schema-problem.ts'
import type { ApiVersion } from './api-version.ts'

const Block = Type.Object({ type: Type.String() })
const Content = Type.Union([Type.String(), Type.Array(Block)])
const Message = Type.Object(
  { role: Type.Union([Type.Literal('user'), Type.Literal('assistant')]), content: Content },
  { additionalProperties: false },
)

/** A tool of the caller's own, or one of the API's by its `type`. */
const Tool = Type.Object({
  name: Type.String({ pattern: '^[a-zA-Z0-9_-]{1,128}$' }),
  type: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  input_schema: Type.Optional(Type.Object({ type: Type.Literal('object') })),
})

const ToolChoice = Type.Object({
  type: Type.Union([Type.Literal('auto'), Type.Literal('any'), Type.Literal('tool'), Type.Literal('none')]),
  name: Type.Optional(Type.String()),
  disable_parallel_tool_use: Type.Optional(Type.Boolean()),
})

/** What a prompt consists of; all that counting its tokens takes. */
const prompt = {
  messages: Type.Array(Message),
  system: Type.Optional(Content),
  tools: Type.Optional(Type.Array(Tool)),
  tool_choice: Type.Optional(ToolChoice),
  thinking: Type.Optional(Type.Object({ type: Type.String() })),
  output_config: Type.Optional(Type.Object({})),
  output_format: Type.Optional(Type.Object({})),
  cache_control: Type.Optional(Type.Object({})),
  context_management: Type.Optional(Type.Object({})),
  mcp_servers: Type.Optional(Type.Array(Type.Object({}))),
}

const output = {
  max_tokens: Type.Integer({ minimum: 1 }),
  stop_sequences: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
}

const sampling = {
  temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  top_p: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  top_k: Type.Optional(Type.Integer({ minimum: 0 })),
}

const direct = {
  model: Type.String({ minLength: 1 }),
  stream: Type.Optional(Type.Boolean()),
  metadata: Type.Optional(Type.Object({})),
  service_tier: Type.Optional(Type.String()),
  container: Type.Optional(Type.Unknown()),
  inference_geo: Type.Optional(Type.Unknown()),
  speed: Type.Optional(Type.Unknown()),
  diagnostics: Type.Optional(Type.Unknown()),
}

/**
 * https://platform.claude.com/docs/en/api/messages: the API refuses what it does not know. Version 2026-10-21 knows no
 * sampling parameters: https://platform.claude.com/docs/en/api/migration-2026-10-21.
 */
export const messageSchemas = {
  '2023-06-01': strict({ ...prompt, ...output, ...sampling, ...direct }),
  '2026-10-21': strict({ ...prompt, ...output, ...direct }),
} satisfies SchemaByVersion

const countTokens = strict({ ...prompt, model: Type.String({ minLength: 1 }) })

/** https://platform.claude.com/docs/en/api/messages-count-tokens */
export const countTokensSchemas = {
  '2023-06-01': countTokens,
  '2026-10-21': countTokens,
} satisfies SchemaByVersion

export type SchemaByVersion = Readonly<Record<ApiVersion, CompiledSchema>>

/** As a cloud platform takes it: the model is in the path, and so is whether to stream. */
export const hostedMessageSchema = strict({
  ...prompt,
  ...output,
  ...sampling,
  anthropic_version: Type.Literal('bedrock-2023-05-31'),
  anthropic_beta: Type.Optional(Type.Unknown()),
})

function strict(properties: TProperties): CompiledSchema {
  return Compile(Type.Object(properties, { additionalProperties: false }))
}
