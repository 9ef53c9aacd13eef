import { expect, it } from 'vitest'
import { instancePermitBatch, permitBatch } from './capacity/permit-batch.ts'
import { identifiersIn, subjectPattern } from './subject-pattern.ts'

it('subscribes to every identifier', () => {
  expect(subjectPattern(permitBatch.subject)).toBe('capacity.v1.permits.*')
})

it('keeps the identifiers that are given', () => {
  const pattern = subjectPattern(instancePermitBatch.subject, ['capacity-1'])
  expect(pattern).toBe('capacity.v1.instance.capacity-1.permits.*')
})

it('reads the identifiers back, whatever they hold', () => {
  const subject = permitBatch.subject('a.b *')
  expect(identifiersIn(subject, 'capacity.v1.permits.*')).toEqual(['a.b *'])
})
