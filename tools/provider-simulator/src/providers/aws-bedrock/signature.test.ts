import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import { expect, it } from 'vitest'
import { readSignatureClaim, signatureMatches } from './signature.ts'

const KEY = { accessKeyId: 'ASIAKEY', secretAccessKey: 'secret' }
const SIGNED_AT_MS = Date.UTC(2027, 0, 15, 8)
const HEADERS = { host: 'localhost', 'content-type': 'application/json', 'x-amz-security-token': 'token' }

it('reads what a header claims', async () => {
  const { claim } = await sign()
  expect(claim).toMatchObject({ accessKeyId: 'ASIAKEY', date: '20270115', region: 'eu-central-1', service: 'bedrock' })
  expect(claim?.signedHeaders).toEqual([
    'content-type',
    'host',
    'x-amz-content-sha256',
    'x-amz-date',
    'x-amz-security-token',
  ])
})

it.each([undefined, '', 'Bearer key', 'AWS4-HMAC-SHA256 Credential=A/20270115/r/s/aws4_request'])(
  'reads no claim in %j',
  (authorization) => {
    expect(readSignatureClaim(authorization)).toBeUndefined()
  },
)

it.each([
  ['what was signed', {}, true],
  ['another method', { method: 'GET' }, false],
  ['another path', { path: '/model/b/converse' }, false],
  ['another query', { query: 'b=1' }, false],
  ['another body', { body: '{ }' }, false],
  ['an arrival five minutes later', { arrivedAtMs: SIGNED_AT_MS + 300_000 }, true],
  ['an arrival later than that', { arrivedAtMs: SIGNED_AT_MS + 301_000 }, false],
])('takes %s for what it is', async (_, change, matches) => {
  const { request, claim } = await sign()
  expect(claim && (await signatureMatches({ ...request, ...change }, claim, KEY))).toBe(matches)
})

it.each(['host', 'x-amz-security-token'])('insists that %s is signed', async (name) => {
  const { request, claim } = await sign(new Set([name]))
  expect(claim?.signedHeaders).not.toContain(name)
  expect(claim && (await signatureMatches(request, claim, KEY))).toBe(false)
})

it('knows another key', async () => {
  const { request, claim } = await sign()
  expect(claim && (await signatureMatches(request, claim, { ...KEY, secretAccessKey: 'other' }))).toBe(false)
})

async function sign(unsignableHeaders = new Set<string>()) {
  const request = { method: 'POST', path: '/model/a%3A0/converse', body: '{}' }
  const signer = new SignatureV4({ region: 'eu-central-1', service: 'bedrock', credentials: KEY, sha256: Sha256 })
  const { headers } = await signer.sign(
    { ...request, protocol: 'http:', hostname: 'localhost', query: { a: '1' }, headers: HEADERS },
    { signingDate: new Date(SIGNED_AT_MS), unsignableHeaders },
  )
  return {
    request: { ...request, query: 'a=1', headers, arrivedAtMs: SIGNED_AT_MS, requestId: '0'.repeat(32) },
    claim: readSignatureClaim(headers.authorization),
  }
}
