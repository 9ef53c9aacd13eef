import { apiKeyProjection, connectionProjection } from '@sluice/contracts'
import { type Bus, connectBus, openBucket } from '@sluice/messaging'
import { hashAccessToken } from '@sluice/service-kit'
import {
  type DeployedNats,
  deployedNats,
  eventually,
  FOREIGN_WRITES,
  itWhere,
  natsServerPath,
  oldNatsServer,
  prepareForeignWrites,
  type TestDatabase,
  testDatabase,
  writeForeign,
} from '@sluice/testkit'
import { afterEach, expect } from 'vitest'
import { openAiConnection, startConnections, type TestConnections } from './support/start-connections.ts'

let nats: DeployedNats | undefined
let database: TestDatabase | undefined
let gateway: Bus | undefined
let service: TestConnections | undefined

afterEach(async () => {
  await service?.stop()
  await gateway?.close()
  await nats?.stop()
  await database?.drop()
})

const servers = [
  { version: 'the current nats-server', path: natsServerPath() },
  { version: 'nats-server 2.9', path: await oldNatsServer() },
]

for (const { version, path } of servers) {
  itWhere(
    path !== undefined,
    'there is no nats-server before 2.10',
    `whatever NATS is made to write over an entry, it is there again within a second, and was never deleted: ${version}`,
    async () => {
      nats = await deployedNats({ serverPath: path ?? '' })
      database = await testDatabase('connections')
      await prepareForeignWrites(nats)
      const env = { NATS_USER: 'connections', NATS_PASSWORD: nats.passwords.connections }
      service = await startConnections({ natsUrl: nats.url, databaseUrl: database.url, env })
      const { body: connection } = await service.call('POST', '/api/v1/connections', openAiConnection)
      const { body: key } = await service.call('POST', '/api/v1/api-keys', { name: 'app', connections: '*' })
      const hash = hashAccessToken(key.key)
      gateway = await connectBus({ servers: nats.url, name: 'g', user: 'gateway', password: nats.passwords.gateway })
      const known = new Map<string, unknown>()
      const unreadable: unknown[] = []
      const onFault = (error: unknown) => unreadable.push(error)
      const onEntry = ({ key: name, value, revision }: { key: string; value: unknown; revision: number }) => {
        // As gateways do: what is deleted is known no more.
        if (value === undefined) known.delete(name)
        else known.set(name, { value, revision })
      }
      await (await openBucket(gateway, connectionProjection)).watch({ onEntry, onFault })
      await (await openBucket(gateway, apiKeyProjection)).watch({ onEntry, onFault })
      await eventually(() => expect([...known.keys()].toSorted()).toEqual([connection.id, hash].toSorted()))
      for (const write of FOREIGN_WRITES) {
        for (const [bucket, name] of [
          ['connections', connection.id],
          ['api-keys', hash],
        ]) {
          const before = known.get(name) as { value: unknown; revision: number }
          await writeForeign(nats, write, `KV_${bucket}`, `$KV.${bucket}.${name}`)
          await eventually(
            () => {
              const after = known.get(name) as { value: unknown; revision: number }
              expect(after.revision).toBeGreaterThan(before.revision)
              expect(after.value).toEqual(before.value)
            },
            { timeoutMs: 1_000 },
          )
        }
      }
      expect(unreadable.length).toBeGreaterThanOrEqual(2 * FOREIGN_WRITES.length)
      expect(known.size).toBe(2)
      expect(service.logs()).toContain('someone else wrote to a projection')
    },
    60_000,
  )
}
