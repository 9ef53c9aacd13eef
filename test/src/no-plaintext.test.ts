import { ensureNatsPasswords } from '@sluice/local'
import { eventually } from '@sluice/testkit'
import { connect } from 'nats'
import pg from 'pg'
import { afterEach, expect, it } from 'vitest'
import { type System, startSystem } from './start-system.ts'

let system: System

afterEach(() => system.stop())

it('the stored row, the traffic on NATS and all logs of a run hold no plaintext of the credential', async () => {
  system = await startSystem({ logLevel: 'trace' })
  const { operator } = await ensureNatsPasswords(system.stack.paths.natsPasswordsFile)
  const nats = await connect({ servers: system.stack.natsUrl, user: 'operator', pass: operator })
  const traffic: string[] = []
  const listening = nats.subscribe('>', { callback: (_, message) => traffic.push(message.string()) })

  const { id, apiKey } = await system.connect('secretive', [{ period: 'minute', requests: 5 }])
  const client = system.client('secretive', apiKey)
  const request = {
    model: 'gpt-4o-mini',
    messages: [{ role: 'user' as const, content: 'a prompt that is nobody’s business' }],
  }
  await client.chat.completions.create(request)
  for await (const _ of await client.chat.completions.create({ ...request, stream: true }));
  system.simulator.controls.add({ times: 1, echoApiKey: true, fault: { kind: 'status', status: 401 } })
  await expect(client.chat.completions.create(request)).rejects.toThrow()
  await eventually(async () => {
    const { points } = await system.admin.get<{ points: { requests: number }[] }>(
      `/connections/${id}/usage?to=${new Date(Date.now() + 60_000).toISOString()}`,
    )
    expect(points.reduce((sum, point) => sum + point.requests, 0)).toBe(3)
  })
  listening.unsubscribe()

  const places = {
    'NATS traffic': traffic.join('\n'),
    'stored messages': await storedMessages(nats),
    PostgreSQL: await databaseText(system.stack.databaseUrl),
    logs: system.logs(),
  }
  await nats.close()
  for (const [place, text] of Object.entries(places)) {
    expect(text.length, place).toBeGreaterThan(500)
    for (const secret of [
      system.upstreamKey,
      apiKey,
      system.stack.operatorToken ?? '',
      request.messages[0]?.content ?? '',
    ]) {
      expect(secret.length).toBeGreaterThan(20)
      expect(text.includes(secret), `${place} holds a secret`).toBe(false)
      expect(
        text.includes(Buffer.from(secret).toString('base64').slice(4, -4)),
        `${place} holds a secret in base64`,
      ).toBe(false)
    }
  }
})

async function storedMessages(nats: Awaited<ReturnType<typeof connect>>): Promise<string> {
  const manager = await nats.jetstreamManager()
  let text = ''
  for await (const { config, state } of manager.streams.list()) {
    if (state.messages === 0) continue
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      try {
        text += `${(await manager.streams.getMessage(config.name, { seq })).data.toString()}\n`
      } catch (error) {
        // Overwritten, as a bucket's older values are.
        if (!String(error).includes('no message found')) throw error
      }
    }
  }
  return text
}

/** Every row of every table, as text; binary columns in hex and as what they are. */
async function databaseText(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const tables = await client.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('connections', 'usage', 'discovery')`,
  )
  let text = ''
  for (const { name } of tables.rows) {
    const { rows } = await client.query(`select t::text as row, t.* from ${name} t`)
    for (const row of rows) {
      for (const value of Object.values(row))
        text += Buffer.isBuffer(value) ? value.toString('latin1') : `${JSON.stringify(value)}\n`
    }
  }
  await client.end()
  return text
}
