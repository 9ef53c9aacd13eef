import { validateHeaderValue } from 'node:http'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { sendableReasonPhrase } from './reason-phrase.ts'

it.each([
  ['OK', 'OK'],
  ['Tr\xe8s bien\t!', 'Tr\xe8s bien\t!'],
  ['', ''],
  ['O\ufffd K', ''],
  ['OK\r\nx-injected: 1', ''],
  ['O\0K', ''],
])('of %j leaves %j', (phrase, sendable) => {
  expect(sendableReasonPhrase(phrase)).toBe(sendable)
})

it('leaves nothing that Node refuses', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 0x1ff })), (codes) => {
      validateHeaderValue('reason', sendableReasonPhrase(String.fromCharCode(...codes)))
    }),
  )
})
