import { type TProperties, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { isRecord } from '../../core/is-record.ts'
import { closedObject } from '../../wire/closed-object.ts'
import type { CompiledSchema } from '../../wire/schema-problem.ts'
import type { Reply } from '../simulated-provider.ts'
import { invalidRequest } from './errors.ts'
import { emptyArray, missing, schemaRefusal, wrongType, wrongValue } from './schema-refusal.ts'

/** The 400 for the content of a message with a known role, or undefined if it is fine. @param where the message's place, as `messages[0]` */
export function contentRefusal(message: Readonly<Record<string, unknown>>, where: string): Reply | undefined {
  const { role, content } = message
  if (content === undefined || content === null) {
    if (role === 'assistant' && INSTEAD.some((name) => (message[name] ?? null) !== null)) return undefined
    if (content === undefined) return missing(`${where}.content`)
    return invalidRequest(400, "Invalid value for 'content': expected a string, got null.", `${where}.content`)
  }
  if (typeof content === 'string') return undefined
  if (!Array.isArray(content)) return wrongType(`${where}.content`, 'one of a string or array of objects', content)
  if (content.length === 0) return emptyArray(`${where}.content`)
  const types = TYPES.get(role) ?? ['text']
  for (const [index, part] of content.entries()) {
    const refusal = partRefusal(part, `${where}.content[${index}]`, types)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

/** What an assistant's message may have in place of content. */
const INSTEAD = ['tool_calls', 'function_call', 'refusal', 'audio']

const TYPES: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['user', ['text', 'image_url', 'input_audio', 'file']],
  ['assistant', ['text', 'refusal']],
])

function partRefusal(part: unknown, where: string, types: readonly string[]): Reply | undefined {
  if (!isRecord(part)) return wrongType(where, 'an object', part)
  const { type } = part
  if (type === undefined) return missing(`${where}.type`)
  const schema = typeof type === 'string' && types.includes(type) ? SCHEMAS.get(type) : undefined
  return schema === undefined ? wrongValue(`${where}.type`, type, types) : schemaRefusal(schema, part, [where])
}

const SCHEMAS: ReadonlyMap<string, CompiledSchema> = new Map([
  ['text', part({ text: Type.String() })],
  ['refusal', part({ refusal: Type.String() })],
  [
    'image_url',
    part({
      image_url: closedObject({
        url: Type.String(),
        detail: Type.Optional(
          Type.Union(
            ['auto', 'low', 'high', 'original', null].map((detail) =>
              detail === null ? Type.Null() : Type.Literal(detail),
            ),
          ),
        ),
      }),
    }),
  ],
  ['input_audio', part({ input_audio: closedObject({ data: Type.String(), format: Type.String() }) })],
  ['file', part({ file: Type.Object({}) })],
])

function part(properties: TProperties): CompiledSchema {
  return Compile(closedObject({ type: Type.String(), ...properties }))
}
