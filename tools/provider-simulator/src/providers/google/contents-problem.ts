import { type ProtoMessage, protoMessage, protoMessages } from './proto-json.ts'

/** What is wrong with the turns of a conversation, in the API's own words; undefined if nothing is. */
export function contentsProblem(contents: unknown): string | undefined {
  const turns = protoMessages(contents)
  if (turns.length === 0) return '* GenerateContentRequest.contents: contents is not specified\n'
  for (const [index, turn] of turns.entries()) {
    const problem = turnProblem(turn, turns[index - 1], index)
    if (problem !== undefined) return problem
  }
  return undefined
}

const ROLES = [undefined, 'user', 'model', 'function']
const PART_DATA = [
  'text',
  'inlineData',
  'fileData',
  'functionCall',
  'functionResponse',
  'executableCode',
  'codeExecutionResult',
]

function turnProblem(turn: ProtoMessage, previous: ProtoMessage | undefined, index: number): string | undefined {
  if (!ROLES.some((role) => role === turn.role)) return 'Please use a valid role: user, model.'
  const parts = protoMessages(turn.parts)
  const at = `* GenerateContentRequest.contents[${index}].parts`
  if (parts.length === 0) return `${at}: contents.parts must not be empty.\n`
  const bare = parts.findIndex((part) => !PART_DATA.some((field) => part[field] !== undefined))
  if (bare !== -1) return `${at}[${bare}].data: required oneof field 'data' must have one initialized field\n`
  return functionProblem(parts, protoMessages(previous?.parts))
}

/** Each function call must be answered in the very next turn, and nothing else may be. */
function functionProblem(parts: readonly ProtoMessage[], previous: readonly ProtoMessage[]): string | undefined {
  const calls = previous.filter(({ functionCall }) => functionCall !== undefined)
  const responses = parts.filter(({ functionResponse }) => functionResponse !== undefined)
  if (calls.length === responses.length) {
    const names = calls.map(({ functionCall }) => protoMessage(functionCall).name)
    const answered = responses.every(({ functionResponse }) => names.includes(protoMessage(functionResponse).name))
    return answered ? undefined : 'Please ensure that the function response has the name of the function call.'
  }
  return calls.length === 0
    ? 'Please ensure that function response turn comes immediately after a function call turn.'
    : 'Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.'
}
