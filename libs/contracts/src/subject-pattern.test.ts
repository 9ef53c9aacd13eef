import { expect, it } from 'vitest'
import { exchange, instanceExchange } from './capacity/exchange.ts'
import { identifiersIn, subjectPattern } from './subject-pattern.ts'

it('subscribes to every identifier', () => {
  expect(subjectPattern(exchange.subject)).toBe('capacity.v1.exchange.*')
})

it('keeps the identifiers that are given', () => {
  const pattern = subjectPattern(instanceExchange.subject, ['capacity-1'])
  expect(pattern).toBe('capacity.v1.instance.capacity-1.exchange.*')
})

it('reads the identifiers back, whatever they hold', () => {
  const subject = exchange.subject('a.b *')
  expect(identifiersIn(subject, 'capacity.v1.exchange.*')).toEqual(['a.b *'])
})
