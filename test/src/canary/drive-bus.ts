import { createConnection, credential, sealingKey } from '@sluice/contracts'
import sodium from 'libsodium-wrappers'
import { expect } from 'vitest'
import type { CanaryRun } from './canary-run.ts'

/** Connections that an internal system makes over NATS: sealed as they must be, sealed to another key, not sealed, and malformed. */
export async function createOverBus({ nats, natsRecord, canaries }: CanaryRun): Promise<void> {
  await sodium.ready
  const ask = async (payload: string) => {
    const reply = await nats.request(createConnection.subject(), payload, { timeout: 10_000 })
    return reply.string()
  }
  const document = (name: string, apiKey: unknown) =>
    JSON.stringify({ actor: 'canary', connection: { name, provider: 'openai', config: { apiKey } } })
  const { publicKey } = (await nats.request(sealingKey.subject(), '{}')).json<{ publicKey: string }>()
  const sealed = (name: string, key: Uint8Array) => {
    const box = sodium.crypto_box_seal(canaries.make(name, 'sk-'), key)
    return { sealed: Buffer.from(box).toString('base64') }
  }
  expect(await ask(document('over-bus', sealed('sealed key', Buffer.from(publicKey, 'base64'))))).toContain('"id"')
  const { publicKey: strangers } = sodium.crypto_box_keypair()
  expect(await ask(document('for-another', sealed('key sealed to another', strangers)))).toContain('invalid_request')

  const unsealed = canaries.make('unsealed key', 'sk-')
  const inClear = [
    document('in-clear', unsealed),
    document('in-clear', { sealed: unsealed }),
    document('in-clear', { [unsealed]: unsealed }),
    document('in-clear', unsealed).slice(0, -3),
    JSON.stringify({ connection: { name: unsealed, [unsealed]: unsealed, provider: unsealed, config: unsealed } }),
    JSON.stringify({ connection: { name: 'in-clear', provider: 'openai', config: { [unsealed]: unsealed } } }),
  ]
  for (const payload of inClear) {
    natsRecord.ignore(payload)
    expect(await ask(payload)).toContain('invalid_request')
  }
  const malformed = JSON.stringify({ connectionId: unsealed, version: unsealed, publicKey: unsealed })
  natsRecord.ignore(malformed)
  expect((await nats.request(credential.subject(), malformed)).string()).toContain('invalid_request')
}
