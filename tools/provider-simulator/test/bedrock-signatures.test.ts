import { Sha256 } from '@aws-crypto/sha256-js'
import { ConverseCommand, type ConverseCommandInput } from '@aws-sdk/client-bedrock-runtime'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { startAwsSimulator } from '@sluice/aws-simulator'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { SignatureV4 } from '@smithy/signature-v4'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type ProviderSimulator, startProviderSimulator } from '../src/provider-simulator.ts'
import { bedrockClient, ROLE, sessionCredentials } from './bedrock-clients.ts'

const ACCOUNT = { apiKey: 'aws-test', role: ROLE }
const REQUEST: ConverseCommandInput = {
  modelId: 'amazon.nova-lite-v1:0',
  messages: [{ role: 'user', content: [{ text: 'Hello!' }] }],
}

let simulator: ProviderSimulator
let offsetMs: number

beforeEach(async () => {
  offsetMs = 0
  simulator = await startProviderSimulator({
    provider: 'aws-bedrock',
    accounts: [ACCOUNT],
    clock: () => Date.now() + offsetMs,
  })
})
afterEach(() => simulator.stop())

it('accepts a session that the simulated STS handed out, and records the request under its account', async () => {
  const trustedCaller = { accessKeyId: 'AKIACALLER', secretAccessKey: 'secret-of-the-caller' }
  const aws = await startAwsSimulator({ roles: [{ arn: ROLE.arn, trustedCaller }] })
  const sts = new STSClient({ endpoint: aws.url, region: 'us-east-1', credentials: trustedCaller })
  const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn: ROLE.arn, RoleSessionName: 'session' }))
  await aws.stop()
  const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = Credentials ?? {}
  const credentials = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken }
  await bedrockClient(simulator, credentials).send(new ConverseCommand(REQUEST))
  await expect
    .poll(() => simulator.requests.list())
    .toMatchObject([
      { apiKey: 'aws-test', path: '/model/amazon.nova-lite-v1%3A0/converse', model: REQUEST.modelId, status: 200 },
    ])
})

const { sessionToken: _, ...withoutToken } = sessionCredentials()
it.each([
  ['another secret', { ...sessionCredentials(), secretAccessKey: 'wrong' }, {}, 'InvalidSignatureException'],
  ['another token', { ...sessionCredentials(), sessionToken: 'wrong' }, {}, 'UnrecognizedClientException'],
  ['no token', withoutToken, {}, 'UnrecognizedClientException'],
  ['a long-term key', { ...sessionCredentials(), accessKeyId: 'AKIACALLER' }, {}, 'UnrecognizedClientException'],
  ['another region', sessionCredentials(), { region: 'us-east-1' }, 'InvalidSignatureException'],
  ['a wrong clock', sessionCredentials(), { systemClockOffset: 600_000 }, 'InvalidSignatureException'],
])('refuses a signature with %s', async (_, credentials, config, name) => {
  const client = bedrockClient(simulator, credentials, config)
  await expect(client.send(new ConverseCommand(REQUEST))).rejects.toMatchObject({
    name,
    $metadata: { httpStatusCode: 403 },
  })
})

it('refuses a body that is not the one that was signed', async () => {
  const client = bedrockClient(simulator, sessionCredentials(), { requestHandler: new TamperingHandler() })
  await expect(client.send(new ConverseCommand(REQUEST))).rejects.toMatchObject({ name: 'InvalidSignatureException' })
})

it('refuses a signature that was made for another service', async () => {
  const path = `/model/${REQUEST.modelId}/converse`
  const credentials = sessionCredentials()
  const signer = new SignatureV4({ region: ROLE.region, service: 'sts', credentials, sha256: Sha256 })
  const { host, hostname } = new URL(simulator.url)
  const { headers } = await signer.sign({
    method: 'POST',
    protocol: 'http:',
    hostname,
    path,
    query: {},
    headers: { host },
    body: '{}',
  })
  const response = await fetch(simulator.url + path, { method: 'POST', headers, body: '{}' })
  expect(response.status).toBe(403)
  expect(await response.text()).toContain("correct service: 'bedrock'")
})

it('refuses a session once it has expired', async () => {
  const credentials = sessionCredentials()
  offsetMs = 3_600_000
  const late = bedrockClient(simulator, credentials, { systemClockOffset: offsetMs })
  await expect(late.send(new ConverseCommand(REQUEST))).rejects.toMatchObject({ name: 'ExpiredTokenException' })
})

it.each([
  [{}, 'MissingAuthenticationTokenException'],
  [{ authorization: 'Bearer key' }, 'IncompleteSignatureException'],
])('asks for a signature where there is none: %j', async (headers, type) => {
  const url = `${simulator.url}/model/${REQUEST.modelId}/converse`
  const response = await fetch(url, { method: 'POST', headers, body: '{}' })
  expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([403, type])
})

/** Changes the body once it is signed. */
class TamperingHandler extends NodeHttpHandler {
  override handle(...[request, options]: Parameters<NodeHttpHandler['handle']>) {
    request.body = new TextDecoder().decode(request.body).replace('Hello!', 'Hallo!')
    return super.handle(request, options)
  }
}
