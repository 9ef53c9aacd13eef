import type { ChatRequest } from '../../unified/chat-request.ts'
import { refuse } from '../../unified/refusal.ts'
import type { Refusal } from '../../unified-api.ts'

/**
 * `metadata`, and `user` as one more of its members: what the logs of invocations can be filtered by.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html on `requestMetadata`
 */
export function toRequestMetadata({ user, metadata = {} }: ChatRequest): Record<string, string> | Refusal {
  if (user !== undefined && Object.hasOwn(metadata, 'user')) {
    return refuse('metadata.user', 'AWS Bedrock knows the parameter "user" as this member: there cannot be both.')
  }
  if (user !== undefined && !VALUE.test(user)) return refuseText('user')
  for (const [key, value] of Object.entries(metadata)) {
    if (!KEY.test(key)) return refuseText('metadata')
    if (!VALUE.test(value)) return refuseText(`metadata.${key}`)
  }
  const members = { ...metadata, ...(user === undefined ? {} : { user }) }
  return Object.keys(members).length <= MAX_MEMBERS
    ? members
    : refuse('metadata', `AWS Bedrock takes ${MAX_MEMBERS} members, of which "user" is one.`)
}

const KEY = /^[a-zA-Z0-9\s:_@$#=/+,.-]{1,256}$/
const VALUE = /^[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}$/
const MAX_MEMBERS = 16

function refuseText(param: string): Refusal {
  return refuse(param, 'AWS Bedrock takes up to 256 letters, digits, spaces and ":_@$#=/+,-." as keys and values.')
}
