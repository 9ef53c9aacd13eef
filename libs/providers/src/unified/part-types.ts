import type { Refusal } from '../unified-api.ts'
import { isRecord } from '../wire/is-record.ts'
import type { UserMessage } from './chat-request.ts'
import { refuse } from './refusal.ts'

export type ContentPart = Exclude<UserMessage['content'], string>[number]

/** Types of parts that some providers have something for and others do not. */
export type PartType = 'file' | 'input_audio'

/**
 * Refuses a message that has a part of a type which is not translated, naming the part, its type and those that are; undefined where it
 * has none. A part without a type is left to the check of its shape.
 * @param path the message's
 */
export function refuseForeignPart(
  message: unknown,
  path: string,
  { provider, parts = [] }: { readonly provider: string; readonly parts?: readonly PartType[] },
): Refusal | undefined {
  if (!isRecord(message) || !Array.isArray(message.content)) return undefined
  const taken = takenTypes(message.role, parts)
  for (const [index, part] of message.content.entries()) {
    const type: unknown = isRecord(part) ? part.type : undefined
    if (typeof type !== 'string' || taken.includes(type)) continue
    return refusePartType(type, `${path}.content.${index}`, { provider, taken: listed(taken), role: message.role })
  }
  return undefined
}

/** @param path the part's */
export function refusePartType(
  type: string,
  path: string,
  { provider, taken, role = 'user' }: { readonly provider: string; readonly taken: string; readonly role?: unknown },
): Refusal {
  const what =
    type === 'input_audio' && role === 'user' ? `${provider} takes no audio` : 'Such a part is not translated'
  const shown = isWord(type) ? ` ("${type}")` : ''
  const whose = isWord(role) ? ` of the role "${role}"` : ''
  return refuse(
    `${path}.type`,
    `${what}${shown}: for ${provider}, a message${whose} may have parts of the types ${taken}.`,
  )
}

function takenTypes(role: unknown, parts: readonly PartType[]): readonly string[] {
  switch (role) {
    case 'user':
      return ['text', 'image_url', ...parts]
    case 'tool':
      return ['text', 'image_url', ...parts.filter((part) => part !== 'input_audio')]
    case 'assistant':
      return ['text', 'refusal']
    default:
      return ['text']
  }
}

function listed(types: readonly string[]): string {
  return types.length < 2 ? types.join('') : `${types.slice(0, -1).join(', ')} and ${types.at(-1)}`
}

/** What callers wrote where a type or a role belongs is shown where it may be one: anything else may be a part of the prompt, or a secret. */
function isWord(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z][a-z_.-]{0,39}$/i.test(value)
}
