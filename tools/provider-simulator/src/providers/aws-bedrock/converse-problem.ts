import { type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { isRecord, recordsOf } from '../../core/is-record.ts'
import { schemaProblem } from '../../wire/schema-problem.ts'
import type { Model } from './model-catalogue.ts'

type Json = Readonly<Record<string, unknown>>

/** What is wrong with the body of a Converse request to a model, in the API's own words; undefined if nothing is. */
export function converseProblem(json: Json, model: Model): string | undefined {
  const problem = schemaProblem(schema, json)
  if (problem !== undefined) {
    const { kind, path, message } = problem
    const constraint = kind === 'missing' ? 'Member must not be null' : `Member ${message}`
    return `1 validation error detected: Value at '${path.join('.')}' failed to satisfy constraint: ${constraint}`
  }
  const messages = recordsOf(json.messages)
  if (messages.length === 0) return 'The conversation must have at least one message.'
  if (messages[0]?.role !== 'user')
    return 'A conversation must start with a user message. Try again with a conversation that starts with a user message.'
  return turnsProblem(messages) ?? toolProblem(json, messages) ?? novaToolProblem(json, model)
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
  const repeated = messages.findIndex(({ role }, index) => role === messages[index - 1]?.role)
  if (repeated !== -1)
    return 'A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.'
  for (const [index, message] of messages.entries()) {
    const blank = recordsOf(message.content).findIndex(({ text }) => text === '')
    if (blank !== -1)
      return `The text field in the ContentBlock object at messages.${index}.content.${blank} is blank. Add text to the text field, and try again.`
    const used = idsOf(messages[index - 1], 'toolUse')
    const answered = idsOf(message, 'toolResult')
    const open = used.filter((id) => !answered.includes(id))
    if (open.length > 0)
      return `Expected toolResult blocks at messages.${index}.content for the following Ids: ${open.join(', ')}`
    if (answered.some((id) => !used.includes(id))) {
      return `The number of toolResult blocks at messages.${index}.content exceeds the number of toolUse blocks of previous turn.`
    }
  }
  return undefined
}

function toolProblem({ toolConfig }: Json, messages: readonly Json[]): string | undefined {
  if (!isRecord(toolConfig)) {
    const used = messages.some((message) => idsOf(message, 'toolUse').length + idsOf(message, 'toolResult').length > 0)
    return used ? 'The toolConfig field must be defined when using toolUse and toolResult content blocks.' : undefined
  }
  const { tools, toolChoice } = toolConfig
  const named = isRecord(toolChoice) && isRecord(toolChoice.tool) ? toolChoice.tool.name : undefined
  if (named === undefined) return undefined
  const declared = recordsOf(tools).some(({ toolSpec }) => isRecord(toolSpec) && toolSpec.name === named)
  return declared ? undefined : `The tool ${String(named)} of toolChoice is not among the tools.`
}

/**
 * Nova takes three members at the top of a tool's schema, and says of the first other one what every model's own validation says.
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
