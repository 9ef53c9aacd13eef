import { expect, it } from 'vitest'
import { InlineImages } from '../unified/images.ts'
import { callParts, resultParts } from './conversation.ts'

const CONTEXT = { images: new InlineImages(new Map()), isNew: false }

const call = (id: string) => ({ id, type: 'function' as const, function: { name: 'f', arguments: '{}' } })
const result = (id: string, content: string) => ({ role: 'tool' as const, tool_call_id: id, content })

it('reads empty arguments, which some models return, as an empty object', () => {
  const tool_calls = [{ ...call('a'), function: { name: 'f', arguments: '' } }]
  expect(callParts({ role: 'assistant', tool_calls }, 'messages.1', false)).toMatchObject([
    { functionCall: { name: 'f', args: {} } },
  ])
})

it('matches several calls of one id with their results in order', () => {
  const parts = resultParts(
    [call('a'), call('b'), call('a')],
    [result('a', '1'), result('a', '2'), result('b', '3')],
    2,
    CONTEXT,
  )
  expect(parts).toMatchObject(['1', '3', '2'].map((output) => ({ functionResponse: { response: { output } } })))
})

it('refuses a call without a result, and a result without a call', () => {
  expect(resultParts([call('a'), call('a')], [result('a', '1')], 2, CONTEXT)).toMatchObject({
    param: 'messages.1.tool_calls',
  })
  const twice = [result('a', '1'), result('a', '2')]
  expect(resultParts([call('a')], twice, 2, CONTEXT)).toMatchObject({ param: 'messages.3.tool_call_id' })
})

it('matches the results of many calls in any order, without a long pause', { timeout: 3_000 }, () => {
  const ids = Array.from({ length: 30_000 }, (_, index) => `call-${index}`)
  const results = ids.toReversed().map((id) => result(id, 'x'))
  expect(resultParts(ids.map(call), results, 2, CONTEXT)).toHaveLength(30_000)
})
