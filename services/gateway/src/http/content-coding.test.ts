import { expect, it } from 'vitest'
import { contentCodings } from './content-coding.ts'

it.each([
  [undefined, []],
  ['', []],
  ['identity', []],
  ['gzip', ['gzip']],
  ['X-GZIP', ['gzip']],
  ['deflate, br', ['deflate', 'br']],
  [' identity ,zstd,, gzip', ['zstd', 'gzip']],
  [
    ['br', 'gzip'],
    ['br', 'gzip'],
  ],
])('reads %j as %j', (header, codings) => {
  expect(contentCodings(header)).toEqual(codings)
})

it.each([
  ['compress', 'compress'],
  ['gzip, AWS-Chunked', 'AWS-Chunked'],
  ['gzip;q=1', 'gzip;q=1'],
])('names the coding of %j that it does not know', (header, unknown) => {
  expect(contentCodings(header)).toEqual({ unknown })
})
