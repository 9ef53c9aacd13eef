import { startAwsSimulator } from '@sluice/aws-simulator'
import { eventually } from '@sluice/testkit'
import { expect, it, onTestFinished } from 'vitest'
import { createRoleAssumer } from '../src/index.ts'

const IDENTITY = { accessKeyId: 'AKIACALLER', secretAccessKey: 'secret-of-the-caller' }
const ROLE = { arn: 'arn:aws:iam::123456789012:role/bedrock', externalId: 'external-1' }
const SESSION = { ...ROLE, region: 'eu-central-1', sessionName: 'sluice-test', sessionSeconds: 900 }

async function simulatedSts(options: { readonly attemptTimeoutMs?: number } = {}) {
  const simulator = await startAwsSimulator({ roles: [{ ...ROLE, trustedCaller: IDENTITY }] })
  const assumer = createRoleAssumer({ endpoint: simulator.url, identity: IDENTITY, maxAttempts: 2, ...options })
  onTestFinished(async () => {
    assumer.stop()
    await simulator.stop()
  })
  return { simulator, assumer }
}

it('returns temporary credentials that last as long as requested', async () => {
  const { assumer } = await simulatedSts()
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = await assumer.assume(SESSION)
  for (const text of [accessKeyId, secretAccessKey, sessionToken]) expect(text).toMatch(/./)
  const lifetimeMs = expiration.getTime() - Date.now()
  expect(lifetimeMs).toBeGreaterThan(880_000)
  expect(lifetimeMs).toBeLessThanOrEqual(900_000)
})

it('requests new credentials with every call', async () => {
  const { simulator, assumer } = await simulatedSts()
  await assumer.assume(SESSION)
  await assumer.assume(SESSION)
  expect(simulator.requests.count('AssumeRole')).toBe(2)
})

it('rejects with AWS’s error if the external id is another one', async () => {
  const { simulator, assumer } = await simulatedSts()
  const refused = assumer.assume({ ...SESSION, externalId: 'external-2' })
  await expect(refused).rejects.toMatchObject({ name: 'AccessDenied', $metadata: { httpStatusCode: 403 } })
  expect(simulator.requests.count('AssumeRole')).toBe(1)
})

it('ends at once, without a second attempt, when its signal is aborted', async () => {
  const { simulator, assumer } = await simulatedSts()
  simulator.controls.add({ fault: { kind: 'hang-before-headers' } })
  const reason = new Error('the test is over')
  const aborting = new AbortController()
  const assumed = assumer.assume(SESSION, aborting.signal)
  const ended = expect(assumed).rejects.toBe(reason)
  await eventually(() => expect(simulator.requests.count('AssumeRole')).toBe(1))
  aborting.abort(reason)
  await ended
  expect(simulator.requests.count('AssumeRole')).toBe(1)
})

it('gives up on an STS that never responds after the time of its attempts', async () => {
  const { simulator, assumer } = await simulatedSts({ attemptTimeoutMs: 200 })
  simulator.controls.add({ fault: { kind: 'hang-before-headers' } })
  await expect(assumer.assume(SESSION)).rejects.toMatchObject({ name: 'TimeoutError' })
})
