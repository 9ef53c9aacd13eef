import { expect, it } from 'vitest'
import { bringsBody } from './receive-body.ts'

it.each([
  ['POST', { 'content-length': '2' }, true],
  ['POST', { 'transfer-encoding': 'chunked' }, true],
  ['DELETE', { 'content-length': '2' }, true],
  ['POST', { 'content-length': '0', 'content-type': 'application/json' }, false],
  ['POST', { 'content-type': 'application/json' }, false],
  ['GET', { 'content-length': '2' }, false],
  ['HEAD', { 'transfer-encoding': 'chunked' }, false],
])('brings a body, or does not: %s with %j', (method, headers, brings) => {
  expect(bringsBody({ method, headers })).toBe(brings)
})
