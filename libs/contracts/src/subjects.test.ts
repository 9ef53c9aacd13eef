import fc from 'fast-check'
import { expect, it } from 'vitest'
import { instancePermitBatch, permitBatch } from './permit-batch.ts'
import { fromSubjectToken, subjectIdentifiers, subjectPattern, subjectToken } from './subjects.ts'

it('keeps plain identifiers readable', () => {
  expect(subjectToken('0199a7c2-4d0e-7c3e-9d5f-0f6d6b0a1b2c')).toBe('0199a7c2-4d0e-7c3e-9d5f-0f6d6b0a1b2c')
})

it('encodes what a subject or a key cannot hold', () => {
  expect(subjectToken('gpt-4.1 *>=é')).toBe('gpt-4=2E1=20=2A=3E=3D=C3=A9')
})

it('refuses the empty identifier', () => {
  expect(() => subjectToken('')).toThrow(RangeError)
})

it('gives back every identifier, and only characters that NATS allows', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (identifier) => {
      const token = subjectToken(identifier)
      expect(token).toMatch(/^[A-Za-z0-9_=-]+$/)
      expect(fromSubjectToken(token)).toBe(identifier)
    }),
  )
})

it('subscribes to every identifier', () => {
  expect(subjectPattern(permitBatch.subject)).toBe('capacity.v1.permits.*')
})

it('keeps the identifiers that are given', () => {
  const pattern = subjectPattern(instancePermitBatch.subject, ['capacity-1'])
  expect(pattern).toBe('capacity.v1.instance.capacity-1.permits.*')
})

it('reads the identifiers back from a subject, whatever characters they contain', () => {
  const read = subjectIdentifiers(instancePermitBatch.subject)
  const identifiers: [instance: string, connectionId: string] | undefined = read(
    instancePermitBatch.subject('capacity-1', 'a.b *'),
  )
  expect(identifiers).toEqual(['capacity-1', 'a.b *'])
})

it('reads the identifiers of a subject that has more tokens', () => {
  expect(subjectIdentifiers(permitBatch.subject)('capacity.v1.permits.a.all')).toEqual(['a'])
})

it('reads no identifiers from a subject that is too short', () => {
  expect(subjectIdentifiers(permitBatch.subject)('capacity.v1.permits')).toBeUndefined()
})
