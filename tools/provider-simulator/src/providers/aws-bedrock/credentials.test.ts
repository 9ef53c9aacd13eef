import { Sha256 } from '@aws-crypto/sha256-js'
import { ConverseCommand, type ConverseCommandInput } from '@aws-sdk/client-bedrock-runtime'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { SignatureV4 } from '@smithy/signature-v4'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ProviderSimulator, startProviderSimulator } from '../../start-provider-simulator.ts'
import { assume, bedrockClient, issue, ROLE } from './testing-clients.ts'

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

describe('STS, through the official SDK', () => {
  it('hands out credentials that expire when asked', async () => {
    const { AssumedRoleUser, Credentials } = await assume(simulator, { DurationSeconds: 900 })
    expect(AssumedRoleUser?.Arn).toBe('arn:aws:sts::123456789012:assumed-role/bedrock/session')
    expect(Credentials).toMatchObject({ AccessKeyId: expect.stringMatching(/^ASIA/) })
    const lifetimeMs = (Credentials?.Expiration?.getTime() ?? 0) - Date.now()
    expect(Math.round(lifetimeMs / 10_000)).toBe(90)
  })

  it('hands out shorter ones where the account says so', async () => {
    simulator.accounts.register({ ...ACCOUNT, role: { ...ROLE, sessionSeconds: 2 } })
    const { Credentials } = await assume(simulator, { DurationSeconds: 3600 })
    expect((Credentials?.Expiration?.getTime() ?? 0) - Date.now()).toBeLessThanOrEqual(2000)
  })

  it.each([
    ['another external id', { ExternalId: 'external-2' }],
    ['no external id', { ExternalId: undefined }],
    ['a role that does not exist', { RoleArn: `${ROLE.arn}-2` }],
  ])('denies access with %s', async (_, change) => {
    await expect(assume(simulator, change)).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining('sts:AssumeRole'),
    })
  })

  it('denies access to the role of an account that trusts somebody else', async () => {
    const other = { accessKeyId: 'AKIAOTHER', secretAccessKey: 'other' }
    const role = { ...ROLE, arn: `${ROLE.arn}-2`, trustedCaller: other }
    simulator.accounts.register({ apiKey: 'aws-other', role })
    await expect(assume(simulator, { RoleArn: role.arn })).rejects.toMatchObject({ name: 'AccessDenied' })
    await expect(assume(simulator, { RoleArn: role.arn }, other)).resolves.toHaveProperty('Credentials')
  })

  it.each([
    [{ ...ROLE.trustedCaller, secretAccessKey: 'wrong' }, 'SignatureDoesNotMatch'],
    [{ ...ROLE.trustedCaller, accessKeyId: 'AKIAUNKNOWN' }, 'InvalidClientTokenId'],
  ])('refuses the caller %j', async (caller, name) => {
    await expect(assume(simulator, {}, caller)).rejects.toMatchObject({ name, $metadata: { httpStatusCode: 403 } })
  })

  it('refuses what breaks a constraint', async () => {
    await expect(assume(simulator, { DurationSeconds: 60 })).rejects.toMatchObject({ name: 'ValidationError' })
    await expect(assume(simulator, { RoleSessionName: 'with space' })).rejects.toMatchObject({
      name: 'ValidationError',
    })
  })

  it('fails in its own format when told to', async () => {
    simulator.controls.add({ pathPrefix: '/', times: 1, fault: { kind: 'rate-limit' } })
    await expect(assume(simulator)).rejects.toMatchObject({ name: 'Throttling' })
    simulator.controls.add({ times: 1, fault: { kind: 'status', status: 503 } })
    await expect(assume(simulator)).rejects.toMatchObject({ name: 'ServiceUnavailable' })
  })
})

describe('signatures', () => {
  it('admit the session that STS handed out, and are recorded as its account', async () => {
    await bedrockClient(simulator, await issue(simulator)).send(new ConverseCommand(REQUEST))
    await expect
      .poll(() => simulator.requests.list())
      .toMatchObject([
        { apiKey: 'aws-test', path: '/', status: 200 },
        { apiKey: 'aws-test', path: '/model/amazon.nova-lite-v1%3A0/converse', model: REQUEST.modelId, status: 200 },
      ])
  })

  it.each([
    ['another secret', { SecretAccessKey: 'wrong' }, {}, 'InvalidSignatureException'],
    ['another token', { SessionToken: 'wrong' }, {}, 'UnrecognizedClientException'],
    ['no token', { SessionToken: undefined }, {}, 'UnrecognizedClientException'],
    ['a long-term key', { AccessKeyId: ROLE.trustedCaller.accessKeyId }, {}, 'UnrecognizedClientException'],
    ['another region', {}, { region: 'us-east-1' }, 'InvalidSignatureException'],
    ['a clock that is wrong', {}, { systemClockOffset: 600_000 }, 'InvalidSignatureException'],
  ])('are refused with %s', async (_, credentials, config, name) => {
    const issued = await issue(simulator)
    const changed = bedrockClient(simulator, { ...issued, ...credentials }, config)
    await expect(changed.send(new ConverseCommand(REQUEST))).rejects.toMatchObject({
      name,
      $metadata: { httpStatusCode: 403 },
    })
  })

  it('are refused when the body is not the one that was signed', async () => {
    const tampered = bedrockClient(simulator, await issue(simulator), { requestHandler: new TamperingHandler() })
    await expect(tampered.send(new ConverseCommand(REQUEST))).rejects.toMatchObject({
      name: 'InvalidSignatureException',
    })
  })

  it.each([
    ['/model/amazon.nova-lite-v1:0/converse', 'sts', "correct service: 'bedrock'"],
    ['/', 'bedrock', "correct service: 'sts'"],
  ])('are refused at %s when made for %s', async (path, service, message) => {
    const { AccessKeyId = '', SecretAccessKey = '', SessionToken } = await issue(simulator)
    const session = {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      ...(SessionToken && { sessionToken: SessionToken }),
    }
    const credentials = path === '/' ? ROLE.trustedCaller : session
    const signer = new SignatureV4({ region: ROLE.region, service, credentials, sha256: Sha256 })
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
    expect(await response.text()).toContain(message)
  })

  it('expire', async () => {
    const issued = await issue(simulator)
    offsetMs = 3_600_000
    const late = bedrockClient(simulator, issued, { systemClockOffset: offsetMs })
    await expect(late.send(new ConverseCommand(REQUEST))).rejects.toMatchObject({ name: 'ExpiredTokenException' })
  })

  it('are asked for', async () => {
    const url = `${simulator.url}/model/${REQUEST.modelId}/converse`
    for (const [headers, type] of [
      [{}, 'MissingAuthenticationTokenException'],
      [{ authorization: 'Bearer key' }, 'IncompleteSignatureException'],
    ] as const) {
      const response = await fetch(url, { method: 'POST', headers, body: '{}' })
      expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([403, type])
    }
  })
})

/** Changes the body once it is signed. */
class TamperingHandler extends NodeHttpHandler {
  override handle(...[request, options]: Parameters<NodeHttpHandler['handle']>) {
    request.body = new TextDecoder().decode(request.body).replace('Hello!', 'Hallo!')
    return super.handle(request, options)
  }
}
