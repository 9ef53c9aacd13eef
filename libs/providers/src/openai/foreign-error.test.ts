import { expect, it } from 'vitest'
import { foreignError } from './foreign-error.ts'

it.each(['{"error":{"message":"No.","type":"server_error","param":null,"code":null}}', '{"error":"model not found"}'])(
  'leaves %s as it is',
  (body) => {
    expect(foreignError(500, Buffer.from(body))).toBeUndefined()
  },
)

it.each([
  ['<html><head><title>502 Bad Gateway</title></head></html>', ''],
  ['\n  <!DOCTYPE html>', ''],
  ['Sorry! <br> Try again.', ''],
  ['', ''],
  ['\u0000\u0001', ''],
  ['\ufffd\ufffd\ufffd', ''],
  ['null', ': null'],
  ['{"error":null}', ': {"error":null}'],
  ['["a"]', ': ["a"]'],
  ['{"detail":"Not Found"}', ': {"detail":"Not Found"}'],
  ['{"object":"error","message":"No such\\nmodel."}', ': No such model.'],
  ['{"message":"<b>No.</b>"}', ''],
  ['upstream connect error\r\n or  disconnect, 3 < 4\n', ': upstream connect error or disconnect, 3 < 4'],
  [`${'🙂'.repeat(200)}`, `: ${'🙂'.repeat(200)}`],
  [`${'🙂'.repeat(201)}`, `: ${'🙂'.repeat(200)}…`],
  ['é'.repeat(900_000), `: ${'é'.repeat(200)}…`],
])('says %s in OpenAI’s words', (body, words) => {
  const message = `The provider answered with status 502${words === '' ? '.' : words}`
  expect(foreignError(502, Buffer.from(body))).toEqual({ message, code: null })
})
