import { type TProperties, type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { closedObject } from '../../wire/closed-object.ts'

const anything = Type.Unknown()
const anObject = Type.Object({})
const stop = Type.Union([Type.String(), Type.Array(Type.String(), { maxItems: 4 })])
const penalty = Type.Number({ minimum: -2, maximum: 2 })
const temperature = Type.Number({ minimum: 0, maximum: 2 })
const topP = Type.Number({ minimum: 0, maximum: 1 })
const streamOptions = closedObject({
  include_usage: optional(Type.Boolean()),
  include_obfuscation: optional(Type.Boolean()),
})

const functionTool = closedObject({
  type: Type.Literal('function'),
  function: closedObject({
    name: Type.String({ pattern: '^[a-zA-Z0-9_-]{1,64}$' }),
    description: optional(Type.String()),
    parameters: optional(anObject),
    strict: optional(Type.Boolean()),
  }),
})
const customTool = Type.Object({ type: Type.Literal('custom'), custom: Type.Object({ name: Type.String() }) })

const responseFormat = Type.Union([
  closedObject({ type: Type.Literal('text') }),
  closedObject({ type: Type.Literal('json_object') }),
  closedObject({
    type: Type.Literal('json_schema'),
    json_schema: closedObject({
      name: Type.String({ pattern: '^[a-zA-Z0-9_-]{1,64}$' }),
      description: optional(Type.String()),
      schema: optional(anObject),
      strict: optional(Type.Boolean()),
    }),
  }),
])

const reasoningEffort = Type.Union(
  ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'].map((effort) => Type.Literal(effort)),
)

/** What all of them have. */
const common = {
  model: Type.String(),
  metadata: Type.Record(Type.String(), Type.String()),
  parallel_tool_calls: Type.Boolean(),
  prompt_cache_key: Type.String(),
  prompt_cache_options: anything,
  prompt_cache_retention: Type.String(),
  safety_identifier: Type.String(),
  service_tier: Type.String(),
  store: Type.Boolean(),
  stream: Type.Boolean(),
  temperature,
  top_logprobs: anything,
  top_p: topP,
  user: Type.String(),
  moderation: anything,
}

/**
 * The parameters of a chat completion but for what its messages hold. Whole numbers are checked by themselves, in better words.
 * @see https://platform.openai.com/docs/api-reference/chat/create
 */
export const chatSchema = parameters({
  ...common,
  messages: Type.Array(anything),
  audio: anObject,
  frequency_penalty: penalty,
  function_call: anything,
  functions: Type.Array(anObject),
  logit_bias: Type.Record(Type.String(), Type.Number({ minimum: -100, maximum: 100 })),
  logprobs: Type.Boolean(),
  max_completion_tokens: anything,
  max_tokens: anything,
  modalities: Type.Array(Type.String()),
  n: anything,
  prediction: anObject,
  presence_penalty: penalty,
  reasoning_effort: reasoningEffort,
  response_format: responseFormat,
  seed: Type.Integer(),
  stop,
  stream_options: streamOptions,
  tool_choice: Type.Union([Type.Literal('none'), Type.Literal('auto'), Type.Literal('required'), anObject]),
  tools: Type.Array(Type.Union([functionTool, customTool]), { minItems: 1, maxItems: 128 }),
  verbosity: Type.Union([Type.Literal('low'), Type.Literal('medium'), Type.Literal('high')]),
  web_search_options: anObject,
})

/** @see https://platform.openai.com/docs/api-reference/completions/create */
export const completionSchema = parameters({
  model: Type.String(),
  prompt: Type.Union([Type.String(), Type.Array(anything)]),
  best_of: anything,
  echo: Type.Boolean(),
  frequency_penalty: penalty,
  logit_bias: anObject,
  logprobs: anything,
  max_tokens: anything,
  n: anything,
  presence_penalty: penalty,
  seed: Type.Integer(),
  stop,
  stream: Type.Boolean(),
  stream_options: streamOptions,
  suffix: Type.String(),
  temperature,
  top_p: topP,
  user: Type.String(),
})

/** @see https://platform.openai.com/docs/api-reference/embeddings/create */
export const embeddingSchema = parameters({
  model: Type.String(),
  input: anything,
  dimensions: anything,
  encoding_format: Type.Union([Type.Literal('float'), Type.Literal('base64')]),
  user: Type.String(),
})

/** @see https://platform.openai.com/docs/api-reference/responses/create */
export const responseSchema = parameters({
  ...common,
  input: Type.Union([Type.String(), Type.Array(anObject)]),
  background: Type.Boolean(),
  context_management: Type.Array(anObject),
  conversation: Type.Union([Type.String(), anObject]),
  include: Type.Array(Type.String()),
  instructions: Type.String(),
  max_output_tokens: anything,
  max_tool_calls: anything,
  previous_response_id: Type.String(),
  prompt: anObject,
  reasoning: anObject,
  stream_options: closedObject({ include_obfuscation: optional(Type.Boolean()) }),
  text: anObject,
  tool_choice: Type.Union([Type.String(), anObject]),
  tools: Type.Array(Type.Object({ type: Type.String() })),
  truncation: Type.Union([Type.Literal('auto'), Type.Literal('disabled')]),
})

/** All may be left out: which have to be there is told apart. */
function parameters(properties: TProperties) {
  const each = Object.entries(properties).map(([name, schema]) => [name, Type.Optional(schema)] as const)
  return Compile(closedObject(Object.fromEntries(each)))
}

function optional(schema: TSchema) {
  return Type.Optional(Type.Union([Type.Null(), schema]))
}
