import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { schemaProblem } from '../core/schema-problem.ts'
import type { Model } from './models.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * Returns what the API says is wrong with a request for a chat completion; undefined if nothing is. As the API does, it
 * refuses every unknown parameter.
 */
export function requestProblem(json: Json): string | undefined {
  const problem = schemaProblem(schema, json)
  if (problem === undefined) return undefined
  const { kind, path, message } = problem
  const name = path.at(-1)
  const outer = path.slice(0, -1).join('.')
  if (kind === 'unknown') return `property '${name}' is unsupported`
  if (kind === 'missing') return `${outer === '' ? '' : `'${outer}' : `}property '${name}' is missing`
  return `'${path.join('.')}' : value ${message}`
}

const nullable = <Schema extends Parameters<typeof Type.Union>[0][number]>(schema: Schema) =>
  Type.Optional(Type.Union([Type.Null(), schema]))

const Role = Type.Union(
  ['system', 'developer', 'user', 'assistant', 'tool', 'function'].map((role) => Type.Literal(role)),
)
const Content = Type.Union([Type.String(), Type.Null(), Type.Array(Type.Object({ type: Type.String() }))])
const Message = Type.Object({ role: Role, content: Type.Optional(Content) })
const Tool = Type.Object({
  type: Type.Literal('function'),
  function: Type.Object({ name: Type.String({ minLength: 1 }), parameters: nullable(Type.Object({})) }),
})

/**
 * https://console.groq.com/docs/api-reference#chat-create, without what https://console.groq.com/docs/openai lists as
 * not supported.
 */
const schema = Compile(
  Type.Object(
    {
      model: Type.String(),
      messages: Type.Array(Message, { minItems: 1 }),
      max_tokens: nullable(Type.Integer({ minimum: 1 })),
      max_completion_tokens: nullable(Type.Integer({ minimum: 1 })),
      n: nullable(Type.Integer({ minimum: 1, maximum: 1 })),
      temperature: nullable(Type.Number({ minimum: 0, maximum: 2 })),
      top_p: nullable(Type.Number({ minimum: 0, maximum: 1 })),
      stop: nullable(Type.Union([Type.String(), Type.Array(Type.String(), { maxItems: 4 })])),
      stream: nullable(Type.Boolean()),
      stream_options: nullable(Type.Object({ include_usage: Type.Optional(Type.Boolean()) })),
      seed: nullable(Type.Integer()),
      frequency_penalty: nullable(Type.Number()),
      presence_penalty: nullable(Type.Number()),
      tools: nullable(Type.Array(Tool)),
      tool_choice: nullable(Type.Union([Type.String(), Type.Object({ type: Type.Literal('function') })])),
      parallel_tool_calls: nullable(Type.Boolean()),
      disable_tool_validation: nullable(Type.Boolean()),
      response_format: nullable(Type.Object({ type: Type.String() })),
      reasoning_effort: nullable(Type.String()),
      reasoning_format: nullable(Type.String()),
      include_reasoning: nullable(Type.Boolean()),
      service_tier: nullable(Type.String()),
      user: nullable(Type.String()),
      metadata: nullable(Type.Object({})),
      store: nullable(Type.Boolean()),
      documents: Type.Optional(Type.Unknown()),
      citation_options: Type.Optional(Type.Unknown()),
      compound_custom: Type.Optional(Type.Unknown()),
      search_settings: Type.Optional(Type.Unknown()),
    },
    { additionalProperties: false },
  ),
)

/** Returns what the API says of reasoning that the model does not support; undefined if there is none. */
export function reasoningProblem(json: Json, { efforts }: Model): { message: string; param: string } | undefined {
  const { reasoning_effort: effort, reasoning_format: format } = json
  if (typeof effort === 'string' && !efforts.includes(effort)) {
    const message =
      efforts.length === 0
        ? 'reasoning_effort is not supported with this model'
        : `\`reasoning_effort\` must be one of ${efforts.map((value) => `\`${value}\``).join(', ')}`
    return { message, param: 'reasoning_effort' }
  }
  return typeof format === 'string' && efforts.length === 0
    ? { message: 'reasoning_format is not supported with this model', param: 'reasoning_format' }
    : undefined
}

export function asksToThink({ reasoning_effort: effort }: Json): boolean {
  return typeof effort === 'string' && effort !== 'none'
}

/**
 * Tells whether thoughts are shown as `reasoning`: if the format is `parsed`, and by OpenAI's models by default. The
 * format `raw`, which has them in the text, is not simulated: they are hidden.
 * @see https://console.groq.com/docs/reasoning
 */
export function showsThought({ reasoning_format: format, include_reasoning: included }: Json, { id }: Model): boolean {
  if (typeof format === 'string') return format === 'parsed'
  return typeof included === 'boolean' ? included : id.startsWith('openai/')
}
