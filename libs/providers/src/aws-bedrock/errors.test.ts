import { expect, it } from 'vitest'
import { readErrorResponse } from './errors.ts'

it.each([
  [
    'the header, without the URL',
    { message: 'Slow down.' },
    { 'x-amzn-errortype': 'ThrottlingException:http://internal.amazon.com/coral/' },
    { message: 'Slow down.', code: 'ThrottlingException' },
  ],
  [
    'the body, without the namespace',
    { __type: 'com.amazon.coral.service#AccessDeniedException', Message: 'No.' },
    {},
    { message: 'No.', code: 'AccessDeniedException' },
  ],
  ['nothing', { message: '' }, {}, { message: 'AWS Bedrock returned status 500.', code: null }],
])('takes the name of an error from %s', (_, body, headers, error) => {
  expect(readErrorResponse(500, Buffer.from(JSON.stringify(body)), headers)).toEqual(error)
})

it('reads an error without a JSON body', () => {
  expect(readErrorResponse(503, Buffer.from('<html>'), {})).toEqual({
    message: 'AWS Bedrock returned status 503.',
    code: null,
  })
})
