import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { schemaProblem } from '../../wire/schema-problem.ts'

export interface RequestProblem {
  readonly message: string
  readonly param?: string
}

/** What is wrong with a request for a chat completion, in the API's own words; undefined if nothing is. */
export function requestProblem(json: Readonly<Record<string, unknown>>): RequestProblem | undefined {
  const problem = schemaProblem(schema, json)
  if (problem === undefined) return choiceProblem(json)
  const { kind, path, message } = problem
  const name = path.at(-1) ?? ''
  const outer = path.slice(0, -1).join('.')
  if (kind === 'unknown') return { message: `property '${name}' is unsupported` }
  if (kind === 'missing') return { message: `${outer === '' ? '' : `'${outer}' : `}property '${name}' is missing` }
  return { message: `'${path.join('.')}' : value ${message}` }
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
 * https://console.groq.com/docs/api-reference#chat-create. What https://console.groq.com/docs/openai names as not
 * supported is a property that does not exist.
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

function choiceProblem({ tools, tool_choice: choice }: Readonly<Record<string, unknown>>): RequestProblem | undefined {
  const demanded = choice === 'required' || (typeof choice === 'object' && choice !== null)
  if (!demanded || (Array.isArray(tools) && tools.length > 0)) return undefined
  return { message: '`tool_choice` is set but no tools are provided', param: 'tool_choice' }
}
