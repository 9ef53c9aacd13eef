import { type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { isRecord, parseObject, recordsOf } from '../core/json.ts'
import { schemaProblem } from '../core/schema-problem.ts'
import type { Model } from './models.ts'

type Json = Readonly<Record<string, unknown>>

/** Returns what the API says is wrong with the body of a Converse request; undefined if nothing is. */
export function converseProblem(json: Json, model: Model): string | undefined {
  const problem = schemaProblem(schema, json)
  if (problem !== undefined) {
    const { kind, path, message } = problem
    const constraint = kind === 'missing' ? 'Member must not be null' : `Member ${message}`
    return `1 validation error detected: Value at '${path.join('.')}' failed to satisfy constraint: ${constraint}`
  }
  const messages = recordsOf(json.messages)
  return (
    turnsProblem(messages) ??
    toolConfigProblem(json, messages) ??
    novaToolProblem(json, model) ??
    outputSchemaProblem(json, model)
  )
}

const Text = Type.String({ minLength: 1 })
const Bytes = Type.Object({ bytes: Text })
const optional = <Properties extends Record<string, TSchema>>(properties: Properties) =>
  Type.Optional(Type.Object(properties))

const Block = Type.Object({
  text: Type.Optional(Type.String()),
  image: optional({
    format: Type.Union(['png', 'jpeg', 'gif', 'webp'].map((format) => Type.Literal(format))),
    source: Bytes,
  }),
  document: optional({ format: Text, name: Text, source: Type.Object({}) }),
  toolUse: optional({ toolUseId: Text, name: Text, input: Type.Unknown() }),
  toolResult: optional({ toolUseId: Text, content: Type.Array(Type.Object({})) }),
})

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html */
const schema = Compile(
  Type.Object({
    messages: Type.Array(
      Type.Object({
        role: Type.Union([Type.Literal('user'), Type.Literal('assistant')]),
        content: Type.Array(Block, { minItems: 1 }),
      }),
    ),
    system: Type.Optional(Type.Array(Type.Object({ text: Type.Optional(Text) }))),
    inferenceConfig: Type.Optional(
      Type.Object({
        maxTokens: Type.Optional(Type.Integer({ minimum: 1 })),
        temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
        topP: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
        stopSequences: Type.Optional(Type.Array(Text)),
      }),
    ),
    toolConfig: Type.Optional(
      Type.Object({
        tools: Type.Array(
          Type.Object({
            toolSpec: optional({
              name: Type.String({ pattern: '^[a-zA-Z0-9_-]{1,64}$' }),
              inputSchema: Type.Object({ json: Type.Object({}) }),
            }),
          }),
          { minItems: 1 },
        ),
        toolChoice: Type.Optional(Type.Object({})),
      }),
    ),
  }),
)

function turnsProblem(messages: readonly Json[]): string | undefined {
  if (messages.length === 0) return 'The conversation must have at least one message.'
  if (messages[0]?.role !== 'user')
    return 'A conversation must start with a user message. Try again with a conversation that starts with a user message.'
  for (const [index, message] of messages.entries()) {
    const previous = messages[index - 1]
    if (message.role === previous?.role)
      return 'A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.'
    const blank = recordsOf(message.content).findIndex(({ text }) => text === '')
    if (blank !== -1)
      return `The text field in the ContentBlock object at messages.${index}.content.${blank} is blank. Add text to the text field, and try again.`
    const used = idsOf(previous, 'toolUse')
    const results = idsOf(message, 'toolResult')
    const open = used.filter((id) => !results.includes(id))
    if (open.length > 0)
      return `Expected toolResult blocks at messages.${index}.content for the following Ids: ${open.join(', ')}`
    if (results.some((id) => !used.includes(id))) {
      return `The number of toolResult blocks at messages.${index}.content exceeds the number of toolUse blocks of previous turn.`
    }
  }
  return undefined
}

function toolConfigProblem({ toolConfig }: Json, messages: readonly Json[]): string | undefined {
  if (isRecord(toolConfig)) return undefined
  const used = messages.some((message) => idsOf(message, 'toolUse').length + idsOf(message, 'toolResult').length > 0)
  return used ? 'The toolConfig field must be defined when using toolUse and toolResult content blocks.' : undefined
}

/**
 * Nova accepts only three members at the top of a tool's schema.
 * @see https://docs.aws.amazon.com/nova/latest/userguide/tool-use-definition.html
 */
function novaToolProblem({ toolConfig }: Json, { id }: Model): string | undefined {
  if (!id.startsWith('amazon.nova-') || !isRecord(toolConfig)) return undefined
  for (const [index, { toolSpec }] of recordsOf(toolConfig.tools).entries()) {
    const schema = isRecord(toolSpec) && isRecord(toolSpec.inputSchema) ? toolSpec.inputSchema.json : undefined
    if (!isRecord(schema)) continue
    const foreign = Object.keys(schema).find((name) => !NOVA_SCHEMA.has(name))
    if (foreign === undefined) continue
    return (
      `The model returned the following errors: Malformed input request: #/toolConfig/tools/${index}/toolSpec/inputSchema/json: ` +
      `extraneous key [${foreign}] is not permitted, please reformat your input and try again.`
    )
  }
  return undefined
}

const NOVA_SCHEMA: ReadonlySet<string> = new Set(['type', 'properties', 'required'])

function idsOf(message: Json | undefined, kind: 'toolUse' | 'toolResult'): readonly string[] {
  return recordsOf(message?.content).flatMap(({ [kind]: block }) => (isRecord(block) ? [String(block.toolUseId)] : []))
}

/**
 * Returns the JSON schema that a request demands of the text, by Converse's parameter or by that of Anthropic's models;
 * undefined for prose.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
 */
export function outputSchema(json: Json): unknown {
  const text = memberAt(json, ['outputConfig', 'textFormat', 'structure', 'jsonSchema', 'schema'])
  if (typeof text === 'string') return parseObject(text)
  return memberAt(json, [...MODEL_FIELD, 'format', 'schema'])
}

/** Refuses structured output where the model has none. */
function outputSchemaProblem(json: Json, { kind, hasNoOutputFormat }: Model): string | undefined {
  if (kind !== 'anthropic' && memberAt(json, MODEL_FIELD) !== undefined) {
    return 'Malformed input request: #: extraneous key [output_config] is not permitted, please reformat your input and try again.'
  }
  if (json.outputConfig === undefined) return undefined
  if (kind !== 'anthropic') {
    return "This model doesn't support the outputConfig field. Remove outputConfig and try again."
  }
  if (hasNoOutputFormat) {
    return 'The model returned the following errors: output_config.format: Extra inputs are not permitted'
  }
  // The schema has to be the text of a JSON object.
  return outputSchema(json) === undefined
    ? 'The schema in outputConfig.textFormat.structure.jsonSchema is not a valid JSON schema.'
    : undefined
}

/** The place of Anthropic's `output_config` in a request. */
const MODEL_FIELD = ['additionalModelRequestFields', 'output_config'] as const

function memberAt(json: Json, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, name) => (isRecord(at) ? at[name] : undefined), json)
}
