import { createConnection, credential, sealingKey } from '@sluice/contracts'
import sodium from 'libsodium-wrappers'
import { expect } from 'vitest'
import { baseUrl, type CanaryRun, echoingConnection } from './canary-run.ts'
import { KEYED_PROVIDERS } from './simulated-providers.ts'

type Connections = ReadonlyMap<string, string>

/** Returns the ids of all connections by name. */
async function connectionIds({ admin }: CanaryRun): Promise<Connections> {
  const { items } = JSON.parse((await admin('/connections?limit=200')).text)
  return new Map(items.map(({ id, name }: { id: string; name: string }) => [name, id]))
}

/** Tests, rotates, rolls back and replaces credentials, with providers that repeat what they refuse. */
export async function changeCredentials(run: CanaryRun): Promise<void> {
  const { admin, canaries, providers, echoing } = run
  const ids = await connectionIds(run)
  for (const { id: provider, keyPrefix } of KEYED_PROVIDERS) {
    const path = `/connections/${ids.get(provider)}`
    const { url, accounts } = providers.of(provider)
    const tried = canaries.make(`tried key of ${provider}`, keyPrefix)
    for (const origin of [url, echoing.url, 'http://127.0.0.1:9']) {
      const body = { provider, config: { apiKey: tried, baseUrl: baseUrl(provider, origin) } }
      expect(JSON.parse((await admin('/connections/test', { body })).text).ok).toBe(false)
    }
    expect((await admin(`${path}/test`, { method: 'POST' })).text).toContain('"ok":true')
    const echoed = await admin(`/connections/${ids.get(echoingConnection(provider))}/test`, { method: 'POST' })
    expect(echoed.text).toContain('"ok":false')

    const rejected = canaries.make(`rejected key of ${provider}`, keyPrefix)
    const accepted = canaries.make(`accepted key of ${provider}`, keyPrefix)
    accounts.register({ apiKey: accepted })
    expect((await admin(`${path}/rotate`, { body: { config: { apiKey: rejected } } })).status).toBe(422)
    expect((await admin(`${path}/rotate`, { body: { config: { apiKey: accepted } } })).status).toBe(200)
    expect((await admin(`${path}/rollback`, { method: 'POST' })).status).toBe(200)
    const replaced = canaries.make(`replaced key of ${provider}`, keyPrefix)
    accounts.register({ apiKey: replaced })
    const patch = { method: 'PATCH', body: { config: { apiKey: replaced } } }
    expect((await admin(path, patch)).status).toBe(200)
  }
}

/** Puts secrets into fields, types, documents and headers where they do not belong. */
export async function misplaceSecrets(run: CanaryRun): Promise<void> {
  const { admin, canaries } = run
  const misplaced = canaries.make('misplaced', 'SK-')
  const right = { name: 'right', provider: 'openai', config: { apiKey: misplaced } }
  const openAiId = (await connectionIds(run)).get('openai')
  const documents: unknown[] = [
    misplaced,
    [misplaced],
    `{"name": "right", "config": {"apiKey": "${misplaced}"`,
    `${misplaced}{}`,
    { ...right, [misplaced]: misplaced },
    ...['name', 'provider', 'config', 'capacity', 'enabled', 'maxWaitMs', 'onCapacityUnavailable', 'allowedModels'].map(
      (field) => ({
        ...right,
        [field]: field === 'config' || field === 'allowedModels' ? misplaced : { [misplaced]: misplaced },
      }),
    ),
    { ...right, name: misplaced },
    { ...right, provider: misplaced },
    { ...right, enabled: misplaced },
    { ...right, capacity: [{ period: misplaced, requests: misplaced, [misplaced]: 1 }, misplaced] },
    ...[
      [misplaced],
      { [misplaced]: misplaced },
      { sealed: misplaced },
      `${misplaced}\n`,
      ` ${misplaced}`,
      `${misplaced}\0`,
    ].map((apiKey) => ({ ...right, config: { apiKey } })),
    ...[misplaced, `https://${misplaced}@host/`, `https://host/?key=${misplaced}`, `ftp://${misplaced}`].map((url) => ({
      ...right,
      config: { apiKey: misplaced, baseUrl: url },
    })),
    { ...right, config: { apiKey: misplaced, [misplaced]: misplaced } },
    { ...right, config: { apiKey: misplaced, organization: [misplaced] } },
  ]
  for (const body of documents) {
    expect((await admin('/connections', { body })).status, JSON.stringify(body)).toBe(400)
    for (const path of ['/connections/test', '/api-keys', '/operator-tokens', `/connections/${openAiId}/rotate`]) {
      expect((await admin(path, { body })).status, path).toBeGreaterThanOrEqual(400)
    }
    const patch = await admin(`/connections/${openAiId}`, { method: 'PATCH', body: inPatch(body) })
    expect(patch.status).toBe(400)
  }
  const huge = { ...right, description: misplaced.repeat(10_000) }
  expect((await admin('/connections', { body: huge })).status).toBe(413)
  for (const query of ['limit', 'cursor', 'provider']) await admin(`/connections?${query}=${misplaced}`)
  for (const path of [`/connections/${misplaced}`, `/${misplaced}`, `/%zz${misplaced}`]) await admin(path)
  const authorization = `Bearer ${canaries.get('operator token')}`
  const wrong = { authorization, 'content-type': misplaced, 'if-match': misplaced, 'x-request-id': misplaced }
  await admin('/connections', { headers: wrong, body: right })
  await admin(`/connections/${openAiId}`, {
    method: 'PATCH',
    headers: { ...wrong, 'content-type': 'application/json' },
    body: {},
  })
  await admin('/connections', { headers: { authorization, 'content-type': 'text/plain' }, body: misplaced })
}

/** Returns the body as a patch, without the name that would be unchanged. */
function inPatch(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body
  const { name, ...rest } = body as Record<string, unknown>
  return name === 'right' ? rest : body
}

/** Creates and uses operator tokens and sessions, valid and invalid. */
export async function operate(run: CanaryRun): Promise<void> {
  const { admin, canaries } = run
  const made = await admin('/operator-tokens', {
    body: { name: 'viewer', role: 'viewer' },
    shown: ({ text }) => JSON.parse(text).token,
  })
  const viewer = canaries.add('viewer token', JSON.parse(made.text).token)
  const begun = await admin('/session', {
    headers: {},
    body: { token: viewer },
    shown: ({ headers }) => sessionIn(headers),
  })
  const session = canaries.add('session', sessionIn(begun.headers))
  const cookie = `sluice_session=${session}`
  expect((await admin('/session', { headers: { cookie } })).status).toBe(200)
  expect((await admin('/api-keys', { headers: { cookie }, body: { name: 'x', connections: '*' } })).status).toBe(403)
  expect(
    (await admin('/api-keys', { headers: { cookie, 'x-sluice-csrf': '1' }, body: { name: 'x', connections: '*' } }))
      .status,
  ).toBe(403)
  const wrong = canaries.make('wrong token', 'slo_')
  for (const headers of [
    { authorization: `Bearer ${wrong}` },
    { cookie: `sluice_session=${wrong}` },
    { authorization: `Basic ${wrong}` },
  ]) {
    expect((await admin('/connections', { headers })).status).toBe(401)
  }
  expect((await admin('/session', { headers: {}, body: { token: wrong } })).status).toBe(401)
  expect(
    (await admin('/connections', { headers: { authorization: `Bearer ${canaries.get('API key')}` } })).status,
  ).toBe(401)
  expect((await admin('/session', { method: 'DELETE', headers: { cookie, 'x-sluice-csrf': '1' } })).status).toBe(204)
}

function sessionIn(headers: Headers): string {
  return /sluice_session=([^;]+)/.exec(headers.get('set-cookie') ?? '')?.[1] ?? ''
}

/** Reads everything that the admin API returns. */
export async function readEverything(run: CanaryRun): Promise<void> {
  const { admin } = run
  const shared = [
    '/connections',
    '/api-keys',
    '/operator-tokens',
    '/audit-log?limit=200',
    '/providers',
    '/openapi.json',
  ]
  const of = (id: string) =>
    ['', '/credentials', '/activity', '/usage', '/capacity', '/discovered-capacity'].map(
      (part) => `/connections/${id}${part}`,
    )
  for (const path of [...shared, ...[...(await connectionIds(run)).values()].flatMap(of)]) {
    expect((await admin(path)).status, path).toBe(200)
  }
}

/** Creates connections over NATS: correctly sealed, sealed to another key, not sealed, and malformed. */
export async function createOverBus({ nats, natsRecord, canaries }: CanaryRun): Promise<void> {
  await sodium.ready
  const send = async (payload: string) => {
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
  expect(await send(document('over-bus', sealed('sealed key', Buffer.from(publicKey, 'base64'))))).toContain('"id"')
  const { publicKey: foreignKey } = sodium.crypto_box_keypair()
  expect(await send(document('for-another', sealed('key sealed to another', foreignKey)))).toContain('invalid_request')

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
    expect(await send(payload)).toContain('invalid_request')
  }
  const malformed = JSON.stringify({ connectionId: unsealed, version: unsealed, publicKey: unsealed })
  natsRecord.ignore(malformed)
  expect((await nats.request(credential.subject(), malformed)).string()).toContain('invalid_request')
}
