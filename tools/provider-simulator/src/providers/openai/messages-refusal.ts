import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { isRecord, recordsOf } from '../../core/is-record.ts'
import { closedObject } from '../../wire/closed-object.ts'
import type { CompiledSchema } from '../../wire/schema-problem.ts'
import type { Reply } from '../simulated-provider.ts'
import { contentRefusal } from './content-refusal.ts'
import { invalidRequest } from './errors.ts'
import { emptyArray, missing, schemaRefusal, wrongType, wrongValue } from './schema-refusal.ts'

type Message = Readonly<Record<string, unknown>>

/** The 400 for messages that the API does not take, or undefined if it does. @see https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages */
export function messagesRefusal(messages: unknown): Reply | undefined {
  if (!Array.isArray(messages)) return wrongType('messages', 'an array of objects', messages)
  if (messages.length === 0) return emptyArray('messages')
  for (const [index, message] of messages.entries()) {
    const refusal = messageRefusal(message, index)
    if (refusal !== undefined) return refusal
  }
  return unpairedCalls(messages)
}

function messageRefusal(message: unknown, index: number): Reply | undefined {
  const where = `messages[${index}]`
  if (!isRecord(message)) return wrongType(where, 'an object', message)
  const { role } = message
  if (role === undefined) return missing(`${where}.role`)
  const schema = typeof role === 'string' ? SCHEMAS.get(role) : undefined
  if (schema === undefined) return wrongValue(`${where}.role`, role, [...SCHEMAS.keys()])
  return schemaRefusal(schema, message, ['messages', String(index)]) ?? contentRefusal(message, where)
}

const functionCall = closedObject({ name: Type.String(), arguments: Type.String() })
const toolCall = Type.Union([
  closedObject({ id: Type.String(), type: Type.Literal('function'), function: functionCall }),
  closedObject({
    id: Type.String(),
    type: Type.Literal('custom'),
    custom: closedObject({ name: Type.String(), input: Type.String() }),
  }),
])

const spoken = { role: Type.String(), content: Type.Optional(Type.Unknown()), name: Type.Optional(Type.String()) }

const SCHEMAS: ReadonlyMap<string, CompiledSchema> = new Map([
  ['system', Compile(closedObject(spoken))],
  [
    'assistant',
    Compile(
      closedObject({
        ...spoken,
        refusal: Type.Optional(Type.String()),
        tool_calls: Type.Optional(Type.Array(toolCall, { minItems: 1 })),
        function_call: Type.Optional(functionCall),
        audio: Type.Optional(closedObject({ id: Type.String() })),
        annotations: Type.Optional(Type.Array(Type.Unknown())),
      }),
    ),
  ],
  ['user', Compile(closedObject(spoken))],
  ['function', Compile(closedObject({ ...spoken, name: Type.String() }))],
  ['tool', Compile(closedObject({ ...spoken, tool_call_id: Type.String() }))],
  ['developer', Compile(closedObject(spoken))],
])

/** The calls of one message are answered by the messages right after it, and nothing else is. */
function unpairedCalls(messages: readonly Message[]): Reply | undefined {
  const open = new Set<unknown>()
  let isResponding = false
  for (const [index, { role, tool_calls: calls, tool_call_id: id }] of messages.entries()) {
    if (role === 'tool') {
      if (!isResponding) {
        const message =
          "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
        return invalidRequest(400, message, `messages.[${index}].role`)
      }
      open.delete(id)
      continue
    }
    if (open.size > 0) return unresponded(open)
    for (const call of recordsOf(calls)) open.add(call.id)
    isResponding = open.size > 0
  }
  return open.size > 0 ? unresponded(open) : undefined
}

function unresponded(ids: ReadonlySet<unknown>): Reply {
  const message =
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. " +
    `The following tool_call_ids did not have response messages: ${[...ids].join(', ')}`
  return invalidRequest(400, message, 'messages')
}
