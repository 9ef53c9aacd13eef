import { type TProperties, type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { recordsOf } from '../core/json.ts'
import { type CompiledSchema, closedObject, type SchemaProblem, schemaProblem } from '../core/schema-problem.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * Returns what the API says is wrong with the body of a message request; undefined if nothing is. As the API does, it
 * refuses every unknown parameter, and tool uses without their results.
 */
export function messageProblem(json: Json, schema: CompiledSchema): string | undefined {
  const problem = schemaProblem(schema, json)
  if (problem !== undefined) return inWords(problem)
  const messages = recordsOf(json.messages)
  if (messages.length === 0) return 'messages: at least one message is required'
  return emptyContent(messages) ?? unpairedTools(messages)
}

function inWords({ kind, path, message }: SchemaProblem): string {
  const where = path.join('.')
  if (kind === 'missing') return `${where}: Field required`
  return kind === 'unknown' ? `${where}: Extra inputs are not permitted` : `${where}: Input ${message}`
}

const optional = (schema: TSchema) => Type.Optional(schema)
const anObject = optional(Type.Object({}))
const content = Type.Union([Type.String(), Type.Array(Type.Object({ type: Type.String() }))])

const customTool = Type.Object({
  name: Type.String({ pattern: '^[a-zA-Z0-9_-]{1,128}$' }),
  type: optional(Type.Union([Type.Literal('custom'), Type.Null()])),
  input_schema: Type.Object({ type: Type.Literal('object') }),
})
/** A tool of the API's own, such as `web_search_20250305`. */
const serverTool = Type.Object({ name: Type.String(), type: Type.String({ pattern: '_\\d{8}$' }) })

/** All that counting the tokens of a prompt takes, apart from the model. */
const prompt = {
  messages: Type.Array(closedObject({ role: Type.Union([Type.Literal('user'), Type.Literal('assistant')]), content })),
  system: optional(content),
  tools: optional(Type.Array(Type.Union([customTool, serverTool]))),
  tool_choice: optional(
    Type.Object({
      type: Type.Union(['auto', 'any', 'tool', 'none'].map((type) => Type.Literal(type))),
      name: optional(Type.String()),
      disable_parallel_tool_use: optional(Type.Boolean()),
    }),
  ),
  thinking: optional(Type.Object({ type: Type.String() })),
  output_config: optional(
    Type.Object({ format: optional(Type.Object({ type: Type.Literal('json_schema'), schema: Type.Object({}) })) }),
  ),
  output_format: anObject,
  cache_control: anObject,
  context_management: anObject,
  mcp_servers: optional(Type.Array(Type.Object({}))),
}

const generation = {
  max_tokens: Type.Integer({ minimum: 1 }),
  stop_sequences: optional(Type.Array(Type.String({ minLength: 1 }))),
  temperature: optional(Type.Number({ minimum: 0, maximum: 1 })),
  top_p: optional(Type.Number({ minimum: 0, maximum: 1 })),
  top_k: optional(Type.Integer({ minimum: 0 })),
}

/** https://platform.claude.com/docs/en/api/messages */
export const messageSchema = strict({
  ...prompt,
  ...generation,
  model: Type.String({ minLength: 1 }),
  stream: optional(Type.Boolean()),
  metadata: anObject,
  service_tier: optional(Type.String()),
  container: optional(Type.Unknown()),
  inference_geo: optional(Type.Unknown()),
  speed: optional(Type.Unknown()),
  diagnostics: optional(Type.Unknown()),
})

/** https://platform.claude.com/docs/en/api/messages-count-tokens */
export const countTokensSchema = strict({ ...prompt, model: Type.String({ minLength: 1 }) })

/** A request on a cloud platform, where the path names the model and says whether to stream. */
export const hostedMessageSchema = strict({
  ...prompt,
  ...generation,
  anthropic_version: Type.Literal('bedrock-2023-05-31'),
  anthropic_beta: optional(Type.Unknown()),
})

function strict(properties: TProperties): CompiledSchema {
  return Compile(closedObject(properties))
}

/** Only an assistant's last message, which the response continues, may be empty. */
function emptyContent(messages: readonly Json[]): string | undefined {
  const index = messages.findIndex(
    ({ role, content }, at) =>
      (content === '' || (Array.isArray(content) && content.length === 0)) &&
      !(role === 'assistant' && at === messages.length - 1),
  )
  if (index === -1) return undefined
  return `messages.${index}: all messages must have non-empty content except for the optional final assistant message`
}

/** The next message has to have the result of each `tool_use`, and no other results. */
function unpairedTools(messages: readonly Json[]): string | undefined {
  for (const [index, message] of messages.entries()) {
    const uses = idsOf(messages[index - 1], 'assistant', 'tool_use', 'id')
    const results = idsOf(message, 'user', 'tool_result', 'tool_use_id')
    const unexpected = results.find((id) => !uses.includes(id))
    if (unexpected !== undefined) {
      return `messages.${index}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${unexpected}`
    }
    const open = uses.filter((id) => !results.includes(id))
    if (open.length > 0) {
      return (
        `messages.${index - 1}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ` +
        open.join(', ')
      )
    }
  }
  return undefined
}

function idsOf(message: Json | undefined, role: string, type: string, field: string): readonly string[] {
  if (message?.role !== role) return []
  const blocks = recordsOf(message.content).filter((block) => block.type === type)
  return blocks.map((block) => String(block[field]))
}
