import { createHash, createHmac } from 'node:crypto'
import { expect, it } from 'vitest'
import { RoleSession } from './role-session.ts'

const NOW_MS = Date.UTC(2027, 0, 15, 8)
const PROFILE = 'arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0'
const BODY = Buffer.from('{"naïve":"🙂"}')
const session = new RoleSession(
  {
    accessKeyId: 'ASIAKEY',
    secretAccessKey: 'secret',
    sessionToken: 'token',
    expiration: new Date(NOW_MS + 3_600_000),
  },
  NOW_MS,
)

/** Each path as it is sent and as it is signed: escapes are escaped once more, and other characters are escaped. */
it.each([
  [
    `/model/${encodeURIComponent(PROFILE)}/converse`,
    `/model/${encodeURIComponent(encodeURIComponent(PROFILE))}/converse`,
  ],
  ['/model/amazon.nova-lite-v1%3A0/invoke', '/model/amazon.nova-lite-v1%253A0/invoke'],
  ['/model/amazon.nova-lite-v1:0/invoke', '/model/amazon.nova-lite-v1%3A0/invoke'],
  ['/proxied/model/m/converse', '/proxied/model/m/converse'],
])('signs %s as AWS documents it', async (path, canonicalPath) => {
  const headers = ['content-type', 'application/json', 'user-agent', 'app', 'x-amzn-bedrock-trace', 'ENABLED']
  const added = await session.sign(
    {
      method: 'POST',
      origin: 'https://bedrock-runtime.eu-central-1.amazonaws.com',
      path: `${path}?b=2&a=%20`,
      headers,
      body: BODY,
    },
    'eu-central-1',
  )
  const { authorization, 'x-amz-date': date = '' } = fieldsOf(added)
  const signedHeaders = 'content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token;x-amzn-bedrock-trace'
  const canonicalRequest = [
    'POST',
    canonicalPath,
    'a=%20&b=2',
    'content-type:application/json',
    'host:bedrock-runtime.eu-central-1.amazonaws.com',
    `x-amz-content-sha256:${sha256(BODY)}`,
    `x-amz-date:${date}`,
    'x-amz-security-token:token',
    'x-amzn-bedrock-trace:ENABLED',
    '',
    signedHeaders,
    sha256(BODY),
  ].join('\n')
  const scope = `${date.slice(0, 8)}/eu-central-1/bedrock/aws4_request`
  const key = scope.split('/').reduce<string | Buffer>((secret, part) => hmac(secret, part), 'AWS4secret')
  const signature = hmac(key, ['AWS4-HMAC-SHA256', date, scope, sha256(canonicalRequest)].join('\n')).toString('hex')
  expect(authorization).toBe(
    `AWS4-HMAC-SHA256 Credential=ASIAKEY/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`,
  )
})

it('is due for renewal after three quarters of its lifetime, and unusable at its very end', () => {
  const minutes = (count: number) => NOW_MS + count * 60_000
  expect([44, 45].map((count) => session.isDueAt(minutes(count)))).toEqual([false, true])
  expect([56, 57].map((count) => session.isUsableAt(minutes(count)))).toEqual([true, false])
})

function sha256(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('hex')
}

function hmac(secret: string | Buffer, text: string): Buffer {
  return createHmac('sha256', secret).update(text).digest()
}

function fieldsOf(headers: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = {}
  for (let i = 0; i < headers.length; i += 2) fields[headers[i] ?? ''] = headers[i + 1] ?? ''
  return fields
}
