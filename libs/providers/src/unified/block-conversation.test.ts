import { expect, it } from 'vitest'
import { AlternatingTurns } from './block-conversation.ts'

it('joins messages of one role, with the results before all else of their turn', () => {
  const turns = new AlternatingTurns<string>()
  turns.add('user', ['a'])
  turns.add('assistant', ['b'])
  turns.addResult('first')
  turns.add('user', ['c'])
  turns.addResult('second')
  turns.add('assistant', [])
  turns.add('user', ['d'])
  turns.add('assistant', ['e'])
  turns.addResult('third')
  expect(turns.list).toEqual([
    { role: 'user', content: ['a'] },
    { role: 'assistant', content: ['b'] },
    { role: 'user', content: ['first', 'second', 'c', 'd'] },
    { role: 'assistant', content: ['e'] },
    { role: 'user', content: ['third'] },
  ])
})

it('takes a message of more blocks than a call takes arguments', () => {
  const turns = new AlternatingTurns<number>()
  turns.add('user', new Array<number>(300_000).fill(0))
  expect(turns.list[0]?.content).toHaveLength(300_000)
})
