import { describe, expect, it } from 'vitest'
import { awsBedrock } from './adapter.ts'

const PROFILE = 'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-v1:0'

describe('operations', () => {
  it.each([
    ['/model/amazon.nova-lite-v1%3A0/converse', 'converse', 'amazon.nova-lite-v1:0'],
    ['/model/amazon.nova-lite-v1:0/converse-stream', 'converse-stream', 'amazon.nova-lite-v1:0'],
    [`/model/${encodeURIComponent(PROFILE)}/invoke`, 'invoke', PROFILE],
    [`/model/${PROFILE}/invoke-with-response-stream`, 'invoke-stream', PROFILE],
    ['/model/us.meta.llama/count-tokens', 'count-tokens', 'us.meta.llama'],
  ])('POST %s', (path, kind, model) => {
    const untypedIsJson = kind.startsWith('invoke') ? { untypedIsJson: true } : {}
    expect(awsBedrock.operation('POST', path)).toEqual({
      kind,
      usesModel: true,
      body: 'json',
      ...untypedIsJson,
      path,
      model,
    })
  })

  it.each([
    ['GET', '/model/m/converse'],
    ['POST', '/model//converse'],
    ['POST', '/model/m/async-invoke'],
    ['POST', '/model/m'],
    ['POST', '/model/%/invoke'],
    ['POST', '/model/m/%2e%2e/x/invoke'],
    ['POST', '/guardrail/g/version/1/apply'],
    ['POST', '/'],
    ['POST', ''],
  ])('do not exist at %s %j', (method, path) => {
    expect(awsBedrock.operation(method, path)).toBeUndefined()
  })
})

it('is signed, and passes on no signature of the caller', () => {
  expect(awsBedrock.signing).toBe('sigv4')
  expect(awsBedrock.authHeaders({})).toEqual({})
  expect(awsBedrock.connectionHeaders.has('x-amz-security-token')).toBe(true)
})

it.each([
  [{ region: 'eu-west-1' }, 'https://bedrock-runtime.eu-west-1.amazonaws.com'],
  [{ region: 'cn-north-1' }, 'https://bedrock-runtime.cn-north-1.amazonaws.com.cn'],
  [{ region: 'eu-west-1', baseUrl: 'http://127.0.0.1:9000/' }, 'http://127.0.0.1:9000'],
])('with %j calls %s', (config, expected) => {
  expect(awsBedrock.baseUrl(config)).toBe(expected)
})

it('reads the wait from the header, or none', () => {
  expect(awsBedrock.retryAfterMs({ 'retry-after': '3' }, 0)).toBe(3_000)
  expect(awsBedrock.retryAfterMs({ 'x-amzn-errortype': 'ThrottlingException' }, 0)).toBeUndefined()
  expect(awsBedrock.rateLimits({ 'x-ratelimit-limit-requests': '5' }, 0)).toEqual([])
  expect(awsBedrock.rateLimitHeaders({ 'x-amzn-requestid': 'r' })).toBeUndefined()
})

it.each([
  [400, 'ValidationException'],
  [401, 'UnrecognizedClientException'],
  [403, 'AccessDeniedException'],
  [404, 'ResourceNotFoundException'],
  [413, 'ValidationException'],
  [429, 'ThrottlingException'],
  [500, 'InternalServerException'],
  [503, 'ServiceUnavailableException'],
])('formats errors of status %d as Bedrock does', (status, exception) => {
  const { headers, body } = awsBedrock.errorResponse({ code: 'internal', status, message: 'No.', requestId: 'r' })
  expect(headers).toMatchObject({ 'x-amzn-errortype': exception, 'x-amzn-requestid': 'r' })
  expect(JSON.parse(body)).toEqual({ message: 'No.' })
})
