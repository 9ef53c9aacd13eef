import { expect, it } from 'vitest'
import { nameErrors, visibleText } from './documents.ts'

it.each(['\n', '\r', '\t', '\u001b[31m', '\u007f', '\u009b2J', '\u2028', '\u202e', '\u2066'])(
  'no name holds %j',
  (acting) => {
    expect(nameErrors(`a${acting}b`)).toEqual([{ field: 'name', message: 'must hold no control characters' }])
    expect(nameErrors(visibleText(`a${acting}b`))).toEqual([])
  },
)

it.each([undefined, 'app', "Zoë's app (β) – 日本語 👩‍💻", 'שלום'])('%j is a name', (name) => {
  expect(nameErrors(name)).toEqual([])
})
