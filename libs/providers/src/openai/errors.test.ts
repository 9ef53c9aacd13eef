import { expect, it } from 'vitest'
import { nonOpenAiError, refusesStreamUsage } from './errors.ts'

it.each(['{"error":{"message":"No.","type":"server_error","param":null,"code":null}}', '{"error":"model not found"}'])(
  'leaves %s unchanged',
  (body) => {
    expect(nonOpenAiError(500, Buffer.from(body))).toBeUndefined()
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
])('turns %s into an error in OpenAI’s format', (body, words) => {
  const message = `The provider returned status 502${words === '' ? '.' : words}`
  expect(nonOpenAiError(502, Buffer.from(body))).toEqual({ message, code: null })
})

it.each([
  [422, { message: { detail: [{ type: 'extra_forbidden', loc: ['body', 'stream_options', 'include_usage'] }] } }],
  [400, { error: { message: 'Unrecognized request argument supplied: stream_options', param: null } }],
  [400, { error: { message: 'Unknown parameter.', param: 'stream_options' } }],
  [400, { detail: 'include_usage: unknown field' }],
  [500, { error: "create() got an unexpected keyword argument 'stream_options'" }],
  [501, { error: 'streamOptions is not implemented' }],
  [422, { detail: 'Extra inputs are not permitted' }],
  [400, { message: 'Additional properties are not allowed', param: null }],
  [400, { message: 'json: unknown field' }],
  [400, { message: 'Unsupported request parameter' }],
])('takes %i %j for a refusal of the request for usage', (status, body) => {
  expect(refusesStreamUsage(status, Buffer.from(JSON.stringify(body)))).toBe(true)
})

it.each([
  [400, { error: { message: "Unknown parameter: 'foo'.", param: 'foo' } }],
  [422, { detail: [{ type: 'extra_forbidden', loc: ['body', 'foo'], msg: 'Extra inputs are not permitted' }] }],
  [400, { error: { message: 'max_tokens is too large' } }],
  [401, { error: { message: 'stream_options needs another key' } }],
  [404, { error: 'unknown model option' }],
  [429, { error: 'stream_options' }],
  [502, { error: 'stream_options' }],
  [200, { error: 'stream_options' }],
  [500, { error: 'unexpected key' }],
])('takes %i %j for another error', (status, body) => {
  expect(refusesStreamUsage(status, Buffer.from(JSON.stringify(body)))).toBe(false)
})

it('reads bytes that are not text in linear time', () => {
  expect(refusesStreamUsage(400, Buffer.from([0xff, 0xfe, 0x00]))).toBe(false)
  expect(refusesStreamUsage(400, Buffer.from('unknown '.repeat(200_000)))).toBe(false)
})
