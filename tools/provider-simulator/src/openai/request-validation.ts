import { type TProperties, type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { recordsOf } from '../core/json.ts'
import { type CompiledSchema, closedObject, schemaProblem } from '../core/schema-problem.ts'
import type { RouteResult } from '../core/simulated-provider.ts'
import { invalidRequest } from './errors.ts'

type Json = Readonly<Record<string, unknown>>

/** Returns the 400 for a required parameter that is absent; undefined if it is there. */
export function missingParameter(json: Json, name: string): RouteResult | undefined {
  return (json[name] ?? null) === null ? missing(name) : undefined
}

/** Returns the 400 for `stream_options` without a stream; undefined if they agree. */
export function streamOptionsProblem(json: Json): RouteResult | undefined {
  if ((json.stream_options ?? null) === null || json.stream === true) return undefined
  const message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
  return invalidRequest(400, message, 'stream_options')
}

/**
 * Returns the 400 for a chat completion that the API would not accept; undefined if it would. As the API does, it knows
 * every parameter and field: that is how tests notice one that the gateway should have left out.
 * @see https://platform.openai.com/docs/api-reference/chat/create
 */
export function chatProblem(json: Json): RouteResult | undefined {
  const problem = schemaRefusal(chatSchema, json, '')
  if (problem !== undefined) return problem
  const messages = recordsOf(json.messages)
  for (const [index, message] of messages.entries()) {
    const where = `messages[${index}]`
    const schema = messageSchemas.get(message.role)
    if (schema === undefined) {
      const roles = [...messageSchemas.keys()].map((role) => `'${role}'`).join(', ')
      const text = `Invalid value: '${message.role}'. Supported values are: ${roles}.`
      return invalidRequest(400, text, `${where}.role`, 'invalid_value')
    }
    const refusal = schemaRefusal(schema, message, where)
    if (refusal !== undefined) return refusal
  }
  return unpairedCalls(messages)
}

const optional = (schema: TSchema) => Type.Optional(schema)
const nullable = (schema: TSchema) => Type.Optional(Type.Union([Type.Null(), schema]))

function oneOf(...values: readonly string[]) {
  return Type.Union(values.map((value) => Type.Literal(value)))
}

function chatParameters(properties: TProperties): CompiledSchema {
  const members = Object.entries(properties).map(([name, schema]) => [name, optional(schema)] as const)
  return Compile(closedObject(Object.fromEntries(members)))
}

const count = Type.Integer({ minimum: 1 })
const anObject = Type.Object({})
const penalty = Type.Number({ minimum: -2, maximum: 2 })
const name = Type.String({ pattern: '^[a-zA-Z0-9_-]{1,64}$' })

const functionTool = closedObject({
  type: Type.Literal('function'),
  function: closedObject({
    name,
    description: nullable(Type.String()),
    parameters: nullable(anObject),
    strict: nullable(Type.Boolean()),
  }),
})
const customTool = Type.Object({ type: Type.Literal('custom'), custom: Type.Object({ name: Type.String() }) })

const responseFormat = Type.Union([
  closedObject({ type: oneOf('text', 'json_object') }),
  closedObject({
    type: Type.Literal('json_schema'),
    json_schema: closedObject({
      name,
      description: nullable(Type.String()),
      schema: nullable(anObject),
      strict: nullable(Type.Boolean()),
    }),
  }),
])

const chatSchema = chatParameters({
  audio: anObject,
  frequency_penalty: penalty,
  function_call: Type.Unknown(),
  functions: Type.Array(anObject),
  logit_bias: Type.Record(Type.String(), Type.Number({ minimum: -100, maximum: 100 })),
  logprobs: Type.Boolean(),
  max_completion_tokens: count,
  max_tokens: count,
  messages: Type.Array(anObject, { minItems: 1 }),
  metadata: Type.Record(Type.String(), Type.String()),
  modalities: Type.Array(Type.String()),
  model: Type.String(),
  moderation: Type.Unknown(),
  n: Type.Integer({ minimum: 1, maximum: 128 }),
  parallel_tool_calls: Type.Boolean(),
  prediction: anObject,
  presence_penalty: penalty,
  prompt_cache_key: Type.String(),
  prompt_cache_options: Type.Unknown(),
  prompt_cache_retention: Type.String(),
  reasoning_effort: oneOf('none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'),
  response_format: responseFormat,
  safety_identifier: Type.String(),
  seed: Type.Integer(),
  service_tier: Type.String(),
  stop: Type.Union([Type.String(), Type.Array(Type.String(), { maxItems: 4 })]),
  store: Type.Boolean(),
  stream: Type.Boolean(),
  stream_options: closedObject({
    include_usage: nullable(Type.Boolean()),
    include_obfuscation: nullable(Type.Boolean()),
  }),
  temperature: Type.Number({ minimum: 0, maximum: 2 }),
  tool_choice: Type.Union([oneOf('none', 'auto', 'required'), anObject]),
  tools: Type.Array(Type.Union([functionTool, customTool]), { minItems: 1, maxItems: 128 }),
  top_logprobs: Type.Integer({ minimum: 0, maximum: 20 }),
  top_p: Type.Number({ minimum: 0, maximum: 1 }),
  user: Type.String(),
  verbosity: oneOf('low', 'medium', 'high'),
  web_search_options: anObject,
})

const text = closedObject({ type: Type.Literal('text'), text: Type.String() })
const refusal = closedObject({ type: Type.Literal('refusal'), refusal: Type.String() })
const image = closedObject({
  type: Type.Literal('image_url'),
  image_url: closedObject({ url: Type.String(), detail: nullable(oneOf('auto', 'low', 'high', 'original')) }),
})
const audio = closedObject({
  type: Type.Literal('input_audio'),
  input_audio: closedObject({ data: Type.String(), format: Type.String() }),
})
const file = closedObject({ type: Type.Literal('file'), file: anObject })

const functionCall = closedObject({ name: Type.String(), arguments: Type.String() })
const toolCall = Type.Union([
  closedObject({ id: Type.String(), type: Type.Literal('function'), function: functionCall }),
  closedObject({
    id: Type.String(),
    type: Type.Literal('custom'),
    custom: closedObject({ name: Type.String(), input: Type.String() }),
  }),
])

/** By role. */
const messageSchemas: ReadonlyMap<unknown, CompiledSchema> = new Map([
  ['system', message({ content: content(text) })],
  ['developer', message({ content: content(text) })],
  ['user', message({ content: content(text, image, audio, file) })],
  [
    'assistant',
    message({
      content: optional(content(text, refusal)),
      refusal: optional(Type.String()),
      tool_calls: optional(Type.Array(toolCall, { minItems: 1 })),
      function_call: optional(functionCall),
      audio: optional(closedObject({ id: Type.String() })),
      annotations: optional(Type.Array(Type.Unknown())),
    }),
  ],
  ['tool', message({ content: content(text), tool_call_id: Type.String() })],
  ['function', message({ content: content(text), name: Type.String() })],
])

function content(...parts: readonly TSchema[]): TSchema {
  return Type.Union([Type.String(), Type.Array(Type.Union([...parts]), { minItems: 1 })])
}

function message(properties: TProperties): CompiledSchema {
  return Compile(closedObject({ role: Type.String(), name: optional(Type.String()), ...properties }))
}

/** The results of a message's tool calls have to follow it immediately, and nowhere else. */
function unpairedCalls(messages: readonly Json[]): RouteResult | undefined {
  const open = new Set<unknown>()
  let takesResults = false
  for (const [index, { role, tool_calls: calls, tool_call_id: id }] of messages.entries()) {
    if (role === 'tool') {
      if (!takesResults) {
        const message =
          "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
        return invalidRequest(400, message, `messages.[${index}].role`)
      }
      open.delete(id)
      continue
    }
    if (open.size > 0) return missingResults(open)
    for (const call of recordsOf(calls)) open.add(call.id)
    takesResults = open.size > 0
  }
  return open.size > 0 ? missingResults(open) : undefined
}

function missingResults(ids: ReadonlySet<unknown>): RouteResult {
  const message =
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. " +
    `The following tool_call_ids did not have response messages: ${[...ids].join(', ')}`
  return invalidRequest(400, message, 'messages')
}

/**
 * Ignores members that are null: the API treats them as absent.
 * @param within the place of `value` in the request, as `messages[0]`; empty for the request itself
 */
function schemaRefusal(schema: CompiledSchema, value: Json, within: string): RouteResult | undefined {
  const given = Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null))
  const problem = schemaProblem(schema, given)
  if (problem === undefined) return undefined
  const where = problem.path.reduce((place, part) => {
    if (/^\d+$/.test(part)) return `${place}[${part}]`
    return place === '' ? part : `${place}.${part}`
  }, within)
  if (problem.kind === 'missing') return missing(where)
  if (problem.kind === 'invalid') {
    return invalidRequest(400, `Invalid value for '${where}': ${problem.message}.`, where, 'invalid_value')
  }
  return within === '' && problem.path.length === 1
    ? invalidRequest(400, `Unrecognized request argument supplied: ${where}`)
    : invalidRequest(400, `Unknown parameter: '${where}'.`, where, 'unknown_parameter')
}

function missing(where: string): RouteResult {
  return invalidRequest(400, `Missing required parameter: '${where}'.`, where, 'missing_required_parameter')
}
