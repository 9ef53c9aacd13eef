import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type AwsSimulator, startAwsSimulator } from '../src/aws-simulator.ts'
import { readSession } from '../src/sessions.ts'
import { assumeRole, ROLE } from './assume-role.ts'

let simulator: AwsSimulator

beforeEach(async () => {
  simulator = await startAwsSimulator({ roles: [ROLE] })
})
afterEach(() => simulator.stop())

it('hands out credentials that expire when the caller asks', async () => {
  const { AssumedRoleUser, Credentials } = await assumeRole(simulator, { DurationSeconds: 900 })
  expect(AssumedRoleUser?.Arn).toBe('arn:aws:sts::123456789012:assumed-role/bedrock/session')
  expect(Credentials).toMatchObject({ AccessKeyId: expect.stringMatching(/^ASIA/) })
  const lifetimeMs = (Credentials?.Expiration?.getTime() ?? 0) - Date.now()
  expect(Math.round(lifetimeMs / 10_000)).toBe(90)
})

it('hands out a session token that anyone can verify', async () => {
  const { AccessKeyId = '', SecretAccessKey, SessionToken } = (await assumeRole(simulator)).Credentials ?? {}
  expect(readSession(AccessKeyId, SessionToken)).toMatchObject({ roleArn: ROLE.arn, secretAccessKey: SecretAccessKey })
})

it('hands out shorter sessions if the role says so', async () => {
  simulator.setRole({ ...ROLE, sessionSeconds: 2 })
  const { Credentials } = await assumeRole(simulator, { DurationSeconds: 3600 })
  expect((Credentials?.Expiration?.getTime() ?? 0) - Date.now()).toBeLessThanOrEqual(2000)
})

it.each([
  ['another external id', { ExternalId: 'external-2' }],
  ['no external id', { ExternalId: undefined }],
  ['a role that does not exist', { RoleArn: `${ROLE.arn}-2` }],
])('denies access with %s', async (_, change) => {
  await expect(assumeRole(simulator, change)).rejects.toMatchObject({
    name: 'AccessDenied',
    message: expect.stringContaining('sts:AssumeRole'),
  })
})

it('denies access to a role that trusts another caller', async () => {
  const other = { accessKeyId: 'AKIAOTHER', secretAccessKey: 'other' }
  const role = { ...ROLE, arn: `${ROLE.arn}-2`, trustedCaller: other }
  simulator.setRole(role)
  await expect(assumeRole(simulator, { RoleArn: role.arn })).rejects.toMatchObject({ name: 'AccessDenied' })
  await expect(assumeRole(simulator, { RoleArn: role.arn }, other)).resolves.toHaveProperty('Credentials')
})

it.each([
  [{ ...ROLE.trustedCaller, secretAccessKey: 'wrong' }, 'SignatureDoesNotMatch'],
  [{ ...ROLE.trustedCaller, accessKeyId: 'AKIAUNKNOWN' }, 'InvalidClientTokenId'],
])('refuses the caller %j', async (caller, name) => {
  await expect(assumeRole(simulator, {}, caller)).rejects.toMatchObject({ name, $metadata: { httpStatusCode: 403 } })
})

it('refuses a signature that was made for another service', async () => {
  const { host, hostname } = new URL(simulator.url)
  const signer = new SignatureV4({
    region: 'us-east-1',
    service: 'bedrock',
    credentials: ROLE.trustedCaller,
    sha256: Sha256,
  })
  const request = { method: 'POST', protocol: 'http:', hostname, path: '/', query: {}, headers: { host }, body: '{}' }
  const { headers } = await signer.sign(request)
  const response = await fetch(simulator.url, { method: 'POST', headers, body: '{}' })
  expect(response.status).toBe(403)
  expect(await response.text()).toContain("correct service: 'sts'")
})

it.each([
  ['a session that is too short', { DurationSeconds: 60 }],
  ['a session name with a space', { RoleSessionName: 'with space' }],
])('refuses %s', async (_, change) => {
  await expect(assumeRole(simulator, change)).rejects.toMatchObject({ name: 'ValidationError' })
})

it('fails in its own format when a control says so', async () => {
  simulator.controls.add({ service: 'sts', times: 1, fault: { kind: 'rate-limit' } })
  await expect(assumeRole(simulator)).rejects.toMatchObject({ name: 'Throttling' })
  simulator.controls.add({ times: 1, fault: { kind: 'status', status: 503 } })
  await expect(assumeRole(simulator)).rejects.toMatchObject({ name: 'ServiceUnavailable' })
  simulator.controls.add({ service: 'kms', fault: { kind: 'rate-limit' } })
  await expect(assumeRole(simulator)).resolves.toHaveProperty('Credentials')
  expect(simulator.requests.list('sts').map(({ operation }) => operation)).toEqual(Array(3).fill('AssumeRole'))
})

it('breaks the connection when a control says so', async () => {
  simulator.controls.add({ times: 1, fault: { kind: 'break-before-headers' } })
  await expect(assumeRole(simulator)).rejects.toMatchObject({ code: 'ECONNRESET' })
})
