import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sentText, translationOf } from '../../test/fixtures/unified/unified-chat.ts'
import { sentCallId } from './open-calls.ts'

const FITS = /^[a-zA-Z0-9_-]{1,64}$/
const KIMI = 'moonshot.kimi-k2-thinking'
const RULES = [
  ['anthropic', 'claude-sonnet-4-6', /^[a-zA-Z0-9_-]+$/],
  ['aws-bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', FITS],
  ['aws-bedrock', 'arn:aws:bedrock:us-east-1:1:application-inference-profile/abc', FITS],
  ['aws-bedrock', KIMI, /^[a-zA-Z0-9_.:-]{1,64}$/],
  ['aws-bedrock', 'amazon.nova-lite-v1:0', /^[a-zA-Z0-9_.:-]{1,64}$/],
] as const

/** Of Kimi, of OpenAI's Responses API as clients join them, of servers that give none, and others. */
const FOREIGN_IDS = [
  'functions.get_weather:0',
  'functions.get_weather:1',
  'functions_get_weather_0',
  'call.0',
  'call:0',
  `call_${'A'.repeat(24)}|fc_${'0'.repeat(52)}`,
  'x'.repeat(100_000),
  'tool call 1',
  'åäö-🙂',
  '\ud800',
  '\ud801',
  '',
]

const callOf = (id: string) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } })
const resultOf = (id: string, content = 'x') => ({ role: 'tool', tool_call_id: id, content })
const TOOLS = [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }]
const conversation = (ids: readonly string[]) => ({
  model: 'm',
  tools: TOOLS,
  messages: [
    { role: 'user', content: 'Go.' },
    { role: 'assistant', content: null, tool_calls: ids.map(callOf) },
    ...ids.toReversed().map((id) => resultOf(id, `of ${id.length}`)),
  ],
})

describe.each(RULES)('a conversation for %s, %s', (provider, model, rule) => {
  it('goes on, whatever the ids of tool calls: those that the provider takes as they are, others as one that it takes', () => {
    const { calls, results } = sentIds(sentText(provider, model, conversation(FOREIGN_IDS)))
    expect(calls).toHaveLength(FOREIGN_IDS.length)
    expect(new Set(calls).size).toBe(FOREIGN_IDS.length)
    expect(results.toReversed()).toEqual(calls)
    for (const [index, id] of FOREIGN_IDS.entries()) {
      expect(calls[index]).toMatch(rule)
      if (rule.test(id)) expect(calls[index]).toBe(id)
    }
  })

  it('has the same ids in every request that repeats it', () => {
    const first = sentText(provider, model, conversation(FOREIGN_IDS))
    const { messages, ...others } = conversation(FOREIGN_IDS)
    const second = sentText(provider, model, { ...others, messages: [...messages, { role: 'user', content: 'And?' }] })
    expect(sentIds(second)).toEqual(sentIds(first))
  })

  it('has an id once, and the results of calls that share one in their order', () => {
    const messages = [
      ...conversation(['0', '0']).messages.slice(0, 2),
      resultOf('0', 'first'),
      resultOf('0', 'second'),
      { role: 'assistant', tool_calls: [callOf('0')] },
      resultOf('0', 'third'),
    ]
    const text = sentText(provider, model, { model: 'm', tools: TOOLS, messages })
    const { calls, results } = sentIds(text)
    expect(calls[0]).toBe('0')
    expect(new Set(calls).size).toBe(3)
    expect(results).toEqual(calls)
    expect(text.indexOf('first')).toBeLessThan(text.indexOf('second'))
  })

  it('is refused where a call has no result, or a result no call', () => {
    const [user, assistant, ...results] = conversation(['a.b', 'a.b']).messages
    for (const tail of [results.slice(1), [...results, resultOf('a.b')], [...results, resultOf('a:b')]]) {
      expect(
        translationOf(provider, model, { model: 'm', tools: TOOLS, messages: [user, assistant, ...tail] }),
      ).toMatchObject({ status: 'refused', code: 'invalid_request' })
    }
  })
})

it('sends the id of Kimi’s own call back to it as it came', () => {
  expect(sentIds(sentText('aws-bedrock', KIMI, conversation(['functions.tides:0']))).calls).toEqual([
    'functions.tides:0',
  ])
})

it('passes every id on to Google unchanged', () => {
  const sent = JSON.parse(sentText('google', 'gemini-2.5-flash', conversation(FOREIGN_IDS)))
  const ids = sent.contents[1].parts.map((part: { functionCall: { id: string } }) => part.functionCall.id)
  expect(ids).toEqual(FOREIGN_IDS)
})

describe('the id that a provider sees', () => {
  it('is the same in every process', () => {
    expect(sentCallId('functions.tides:0', 0, FITS)).toBe('sluice_1j5GXhlzonu09fyRDVgGF81DTOhmUz7v')
  })

  it('is fit, and different for different ids', () => {
    const code = fc.oneof(fc.nat(0xd7ff), fc.integer({ min: 0xe000, max: 0x10ffff }))
    const character = code.map((each) => String.fromCodePoint(each))
    const id = fc.oneof(fc.string(), fc.string({ unit: character }), fc.constantFrom(...FOREIGN_IDS))
    fc.assert(
      fc.property(fc.uniqueArray(id, { maxLength: 20 }), (ids) => {
        const sent = ids.flatMap((each) => [0, 1].map((earlier) => sentCallId(each, earlier, FITS)))
        expect(new Set(sent).size).toBe(sent.length)
        for (const each of sent) expect(each).toMatch(FITS)
      }),
    )
  })

  it('never gives two calls the same id', () => {
    const replaced = sentCallId('call.0', 0, FITS)
    const { calls } = sentIds(sentText('anthropic', 'claude-sonnet-4-6', conversation(['call.0', replaced])))
    expect(calls[0]).toBe(replaced)
    expect(new Set(calls).size).toBe(2)
  })
})

/** The ids of a request's calls and results, in the order in which they stand. */
function sentIds(text: string): { readonly calls: string[]; readonly results: string[] } {
  const calls: string[] = []
  const results: string[] = []
  JSON.parse(text, (name, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value
    if ('type' in value && value.type === 'tool_use' && 'id' in value) calls.push(String(value.id))
    if ('tool_use_id' in value) results.push(String(value.tool_use_id))
    if (name === 'toolUse' && 'toolUseId' in value) calls.push(String(value.toolUseId))
    if (name === 'toolResult' && 'toolUseId' in value) results.push(String(value.toolUseId))
    return value
  })
  return { calls, results }
}
