import { expect, it } from 'vitest'
import { translatedError } from './translated-error.ts'

it('says once when to come back, whatever the provider says of it', () => {
  const answer = {
    status: 429,
    statusMessage: 'Too Many Requests',
    fields: ['retry-after', '9', 'Retry-After-Ms', '9000', 'x-kept', 'a'],
    body: Buffer.from('{}'),
  }
  const { fields } = translatedError(answer, { message: 'Slow down.', code: null }, 1_500)
  expect(fields.slice(0, 2)).toEqual(['x-kept', 'a'])
  expect(fields.slice(-4)).toEqual(['retry-after', '2', 'retry-after-ms', '1500'])
  expect(fields).toHaveLength(10)
})
