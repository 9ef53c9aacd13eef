import { expect, it } from 'vitest'
import { decodedPath } from './decoded-path.ts'

it.each([
  ['/v1/messages', '/v1/messages'],
  ['/v1//messages/', '/v1/messages'],
  ['/v1/%6dessages', '/v1/messages'],
  ['/v1%2Fmessages', '/v1/messages'],
  ['/a%3Ab/é', '/a:b/é'],
  ['', '/'],
])('%j is understood as %j', (path, expected) => {
  expect(decodedPath(path)).toBe(expected)
})

it.each(['/%', '/%ff', '/a/../b', '/a/%2e%2e/b', '/./a'])('%j is not understood', (path) => {
  expect(decodedPath(path)).toBeUndefined()
})
