import { once } from 'node:events'
import { createServer } from 'node:net'
import { freePort } from '@sluice/local-servers'
import { connect } from 'nats'
import { expect, it, onTestFinished } from 'vitest'
import { testNatsCluster } from '../src/nats-cluster.ts'

it('starts on other ports when another program took one of those it chose', async () => {
  const taken = await freePort()
  const squatter = createServer().listen(taken, '127.0.0.1')
  onTestFinished(() => void squatter.close())
  await once(squatter, 'listening')
  let chosen = 0
  const cluster = await testNatsCluster({ choosePort: async () => (chosen++ === 1 ? taken : freePort()) })
  onTestFinished(() => cluster.stop())
  expect(chosen).toBe(6)
  const connection = await connect({ servers: cluster.urls.split(',') })
  onTestFinished(() => connection.close())
  expect(cluster.nodes.map(({ url }) => url)).toContain(`nats://${connection.getServer()}`)
})
