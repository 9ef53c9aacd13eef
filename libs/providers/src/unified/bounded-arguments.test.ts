import { describe, expect, it } from 'vitest'
import { providerAdapter } from '../adapters.ts'
import type { Translation } from '../unified-api.ts'
import { MAX_DEPTH, MAX_ITEMS, MAX_MEMBERS } from '../wire/json-structure.ts'

const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`
const ofMembers = (count: number) => `{"a":[${Array(count).fill('{}').join()}]}`
const ofItems = (count: number) => `{"a":[${Array(count).fill(0).join()}]}`
const REFUSED = { status: 'refused', code: 'invalid_request', param: 'messages' }

describe.each(['anthropic', 'aws-bedrock', 'google'] as const)('the arguments in a request for %s', (provider) => {
  it.each([
    ['of a call that has too many members', [ofMembers(MAX_MEMBERS)]],
    ['of a call that has too many items', [ofItems(MAX_ITEMS + 3)]],
    ['that are too deep', [nested(MAX_DEPTH + 1)]],
    ['of two calls that have too many members together', [ofMembers(MAX_MEMBERS / 2), ofMembers(MAX_MEMBERS / 2)]],
    ['of two calls that have too many items together', [ofItems(MAX_ITEMS / 2 + 3), ofItems(MAX_ITEMS / 2 + 3)]],
    ['whose excess stands behind text that is no JSON', ['{"a":"', ofMembers(MAX_MEMBERS)]],
    ['of many calls', Array<string>(MAX_MEMBERS / 100 + 1).fill(ofMembers(99))],
  ])('are refused before any is parsed: %s', (_, texts) => {
    for (const messages of [inOneMessage(texts), inMessagesOfTheirOwn(texts)]) {
      expect(translate(provider, messages)).toMatchObject({
        ...REFUSED,
        message: expect.stringMatching(/^The arguments of /),
      })
    }
  })

  it('are taken up to the limits, and brackets in strings are text', () => {
    for (const text of [
      nested(MAX_DEPTH),
      ofMembers(MAX_MEMBERS - 3),
      ofItems(MAX_ITEMS + 2),
      JSON.stringify({ a: '[{:,'.repeat(MAX_MEMBERS) }),
    ]) {
      expect(translate(provider, inOneMessage([text])).status).toBe('translated')
    }
  })
})

function callsOf(texts: readonly string[], first = 0) {
  return texts.map((text, index) => ({
    id: `c${first + index}`,
    type: 'function',
    function: { name: 'f', arguments: text },
  }))
}

function resultsOf(calls: ReturnType<typeof callsOf>) {
  return calls.map(({ id }) => ({ role: 'tool', tool_call_id: id, content: '1' }))
}

function inOneMessage(texts: readonly string[]): unknown[] {
  const calls = callsOf(texts)
  return [{ role: 'user', content: 'Hi' }, { role: 'assistant', tool_calls: calls }, ...resultsOf(calls)]
}

function inMessagesOfTheirOwn(texts: readonly string[]): unknown[] {
  const turns = texts.map((text, index) => callsOf([text], index))
  return [
    { role: 'user', content: 'Hi' },
    ...turns.flatMap((calls) => [{ role: 'assistant', tool_calls: calls }, ...resultsOf(calls)]),
  ]
}

function translate(provider: 'anthropic' | 'aws-bedrock' | 'google', messages: readonly unknown[]): Translation {
  const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }]
  return providerAdapter(provider).unified.chat.request({
    body: { model: 'm', messages, tools },
    bytes: Buffer.alloc(0),
    model: 'm',
    defaultMaxOutputTokens: 1_024,
    images: new Map(),
    responseId: 'a',
    receivedAtMs: 0,
  })
}
