import { type ProtoMessage, protoMessage, protoMessages } from './proto-json.ts'

/** What is wrong with the turns of a conversation, in the API's own words; undefined if nothing is. */
export function contentsProblem(contents: unknown): string | undefined {
  const list = protoMessages(contents)
  if (list.length === 0) return '* GenerateContentRequest.contents: contents is not specified\n'
  for (const [index, content] of list.entries()) {
    const problem = contentProblem(content, index)
    if (problem !== undefined) return problem
  }
  const turns = turnsOf(list)
  return turns
    .map(({ parts }, index) => functionProblem(parts, turns[index - 1]?.parts ?? []))
    .find((problem) => problem !== undefined)
}

interface Turn {
  readonly role: unknown
  readonly parts: ProtoMessage[]
}

/** Contents of one role in a row are one turn: the chats of Google's SDK keep each chunk of a stream as a content of its own. */
function turnsOf(contents: readonly ProtoMessage[]): readonly Turn[] {
  const turns: Turn[] = []
  for (const { role = 'user', parts } of contents) {
    const last = turns.at(-1)
    if (last !== undefined && last.role === role) last.parts.push(...protoMessages(parts))
    else turns.push({ role, parts: [...protoMessages(parts)] })
  }
  return turns
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

function contentProblem(content: ProtoMessage, index: number): string | undefined {
  if (!ROLES.some((role) => role === content.role)) return 'Please use a valid role: user, model.'
  const parts = protoMessages(content.parts)
  const at = `* GenerateContentRequest.contents[${index}].parts`
  if (parts.length === 0) return `${at}: contents.parts must not be empty.\n`
  const bare = parts.findIndex((part) => !PART_DATA.some((field) => part[field] !== undefined))
  if (bare !== -1) return `${at}[${bare}].data: required oneof field 'data' must have one initialized field\n`
  return undefined
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
