import { expect, it } from 'vitest'
import { readChatRequest } from './read-chat-request.ts'

const NOTHING = { provider: 'Nobody', parameters: new Set<never>() }
const MESSAGES = [{ role: 'user', content: 'Hi' }]

it.each(['__proto__', '__defineGetter__', 'constructor', 'toString'])(
  'refuses the parameter "%s" as any that is not known',
  (name) => {
    const body = JSON.parse(`{"model":"m","messages":${JSON.stringify(MESSAGES)},"${name}":1}`)
    expect(readChatRequest(body, NOTHING)).toMatchObject({ status: 'refused', param: name })
  },
)

it('looks no further than the first message that is wrong', () => {
  const unread = {
    get role(): string {
      throw new Error('looked at')
    },
  }
  const messages = [...MESSAGES, { role: 'user', content: 7 }, unread]
  expect(readChatRequest({ model: 'm', messages }, NOTHING)).toMatchObject({ param: 'messages.1.content' })
})
