import { isRecord, recordsOf } from '../../core/is-record.ts'
import { type CompiledSchema, type SchemaProblem, schemaProblem } from '../../wire/schema-problem.ts'

type Json = Readonly<Record<string, unknown>>

/** What is wrong with the body of a message request, in the API's own words; undefined if nothing is. */
export function messageProblem(json: Json, schema: CompiledSchema): string | undefined {
  const problem = schemaProblem(schema, json)
  if (problem !== undefined) return inWords(problem)
  const messages = recordsOf(json.messages)
  if (messages.length === 0) return 'messages: at least one message is required'
  return toolProblem(json) ?? emptyContent(messages) ?? unpairedTools(messages) ?? formatProblem(json)
}

function inWords({ kind, path, message }: SchemaProblem): string {
  const where = path.join('.')
  if (kind === 'missing') return `${where}: Field required`
  return kind === 'unknown' ? `${where}: Extra inputs are not permitted` : `${where}: Input ${message}`
}

function toolProblem({ tools, tool_choice: choice }: Json): string | undefined {
  const declared = recordsOf(tools)
  const bare = declared.findIndex(
    ({ type, input_schema }) => (type ?? 'custom') === 'custom' && input_schema === undefined,
  )
  if (bare !== -1) return `tools.${bare}.custom.input_schema: Field required`
  if (!isRecord(choice)) return undefined
  if (declared.length === 0) return 'tool_choice: may only be specified while providing tools'
  if (choice.type !== 'tool') return undefined
  if (choice.name === undefined) return 'tool_choice.tool.name: Field required'
  const named = declared.some(({ name }) => name === choice.name)
  return named ? undefined : `Tool '${String(choice.name)}' not found in provided tools`
}

function formatProblem({ output_config: config }: Json): string | undefined {
  if (!isRecord(config) || !isRecord(config.format)) return undefined
  const { type, schema } = config.format
  if (type !== 'json_schema') return "output_config.format.type: Input should be 'json_schema'"
  return isRecord(schema) ? undefined : 'output_config.format.schema: Field required'
}

/** Only the last message may be empty, and only an assistant's, for the answer to continue. */
function emptyContent(messages: readonly Json[]): string | undefined {
  const index = messages.findIndex(
    ({ role, content }, at) =>
      (content === '' || (Array.isArray(content) && content.length === 0)) &&
      !(role === 'assistant' && at === messages.length - 1),
  )
  if (index === -1) return undefined
  return `messages.${index}: all messages must have non-empty content except for the optional final assistant message`
}

/** Each `tool_use` must be answered in the very next message, and nothing else may be. */
function unpairedTools(messages: readonly Json[]): string | undefined {
  for (const [index, message] of messages.entries()) {
    const uses = idsOf(messages[index - 1], 'assistant', 'tool_use', 'id')
    const results = idsOf(message, 'user', 'tool_result', 'tool_use_id')
    const unexpected = results.find((id) => !uses.includes(id))
    if (unexpected !== undefined) {
      return `messages.${index}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${unexpected}`
    }
    const unresponded = uses.filter((id) => !results.includes(id))
    if (unresponded.length > 0) {
      return (
        `messages.${index - 1}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ` +
        unresponded.join(', ')
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
