import { expect, vi } from 'vitest'
import type { CanaryRun } from './canary-run.ts'

const ROLE_ARN = 'arn:aws:iam::123456789012:role/bedrock'
const REGION = 'eu-central-1'

/** A role that is first refused and then assumed, and calls with its session. */
export async function callBedrock({ admin, gateway, connect, canaries, providers }: CanaryRun): Promise<void> {
  const bedrock = providers.of('aws-bedrock')
  const config = { region: REGION, iamRoleArn: ROLE_ARN, baseUrl: bedrock.url }
  const made = await connect({ name: 'bedrock', provider: 'aws-bedrock', config })
  const headers = { authorization: `Bearer ${canaries.get('API key')}` }
  const body = { messages: [{ role: 'user', content: [{ text: canaries.get('prompt') }] }] }
  const call = () => gateway('/connections/bedrock/model/amazon.nova-lite-v1%3A0/converse', { headers, body })
  expect((await call()).status).toBeGreaterThanOrEqual(400)
  expect((await admin(`/connections/${made.id}/test`, { method: 'POST' })).text).toContain('role_not_assumable')

  bedrock.accounts.register({ apiKey: 'aws', role: { arn: ROLE_ARN, region: REGION } })
  providers.aws.setRole({
    arn: ROLE_ARN,
    externalId: String(made.config.externalId),
    trustedCaller: { accessKeyId: 'AKIACANARY', secretAccessKey: canaries.get('secret of AWS') },
  })
  await vi.waitFor(async () => expect((await call()).status).toBe(200), { timeout: 15_000 })
  expect((await admin(`/connections/${made.id}/test`, { method: 'POST' })).text).toContain('"ok":true')
  expect((await admin(`/connections/${made.id}/role-trust`)).status).toBe(200)
  const tokens = bedrock.requests.list().flatMap(({ content }) => content?.headers['x-amz-security-token'] ?? [])
  expect(tokens.length).toBeGreaterThan(0)
  for (const token of new Set(tokens)) canaries.add(`session token ${token.slice(-6)}`, token)
}
