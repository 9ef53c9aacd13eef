import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import { expect, it } from 'vitest'
import {
  readSignatureClaim,
  type SignatureScope,
  type SignedRequest,
  type SigningKey,
  verifySignature,
} from './signature.ts'

const KEY = { accessKeyId: 'ASIAKEY', secretAccessKey: 'secret' }
const SIGNED_AT_MS = Date.UTC(2027, 0, 15, 8)
const HEADERS = { host: 'localhost', 'content-type': 'application/json', 'x-amz-security-token': 'token' }

it('reads the claim of an Authorization header', async () => {
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
  ['what was signed', {}, 'valid'],
  ['another method', { method: 'GET' }, 'mismatch'],
  ['another path', { path: '/model/b/converse' }, 'mismatch'],
  ['another query', { query: 'b=1' }, 'mismatch'],
  ['another body', { body: '{ }' }, 'mismatch'],
  ['an arrival five minutes later', { arrivedAtMs: SIGNED_AT_MS + 300_000 }, 'valid'],
  ['an arrival more than five minutes later', { arrivedAtMs: SIGNED_AT_MS + 301_000 }, 'mismatch'],
])('finds %s to be %s', async (_, change, expected) => {
  const { request } = await sign()
  expect(await verified({ ...request, ...change })).toBe(expected)
})

it.each(['host', 'x-amz-security-token'])('requires that %s is signed', async (name) => {
  const { request, claim } = await sign(new Set([name]))
  expect(claim?.signedHeaders).not.toContain(name)
  expect(await verified(request)).toBe('mismatch')
})

it.each([
  ['a wrong secret', { secretAccessKey: 'other' }, {}, 'mismatch'],
  ['another session token', { sessionToken: 'other' }, {}, 'unknown-key'],
  ['an expired session', { expiresAtMs: SIGNED_AT_MS }, {}, 'expired'],
  ['another service', {}, { service: 'kms' as const }, 'wrong-scope'],
  ['another region', {}, { region: 'us-east-1' }, 'wrong-scope'],
])('refuses a signature with %s', async (_, key, scope, reason) => {
  const { request } = await sign()
  expect(await verified(request, key, scope)).toBe(reason)
})

async function verified(
  request: SignedRequest,
  key: Partial<SigningKey> = {},
  scope: Partial<SignatureScope> = {},
): Promise<string> {
  const result = await verifySignature(request, () => ({
    key: { ...KEY, sessionToken: 'token', ...key },
    scope: { service: 'bedrock', region: 'eu-central-1', ...scope },
  }))
  return result.status === 'valid' ? 'valid' : result.reason
}

async function sign(unsignableHeaders = new Set<string>()) {
  const request = { method: 'POST', path: '/model/a%3A0/converse', body: '{}' }
  const signer = new SignatureV4({ region: 'eu-central-1', service: 'bedrock', credentials: KEY, sha256: Sha256 })
  const { headers } = await signer.sign(
    { ...request, protocol: 'http:', hostname: 'localhost', query: { a: '1' }, headers: HEADERS },
    { signingDate: new Date(SIGNED_AT_MS), unsignableHeaders },
  )
  return {
    request: { ...request, query: 'a=1', headers, arrivedAtMs: SIGNED_AT_MS },
    claim: readSignatureClaim(headers.authorization),
  }
}
