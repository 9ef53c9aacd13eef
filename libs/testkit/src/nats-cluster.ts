import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort, type NatsServer, startNatsServer } from '@sluice/local'
import { freezeProcess } from './freeze.ts'
import { natsServerPath, temporaryFolder } from './run-context.ts'

/** One server of a cluster. */
export interface ClusterNode {
  readonly name: string
  readonly url: string
  /** Stops the process where it stands: its connections stay open, the kernel goes on accepting new ones, and nothing answers. */
  freeze(): void
  /** Lets a frozen process go on. */
  thaw(): void
}

export interface TestNatsCluster {
  readonly nodes: readonly ClusterNode[]
  /** All nodes' URLs, separated by commas. */
  readonly urls: string
  /** Ends all nodes for good, frozen ones included. */
  stop(): Promise<void>
}

const NODES = 3

/** Three real nats-servers that form a cluster with JetStream on disk, for the caller alone. `extraConfig` is in nats-server's format. */
export async function testNatsCluster({ extraConfig = '' } = {}): Promise<TestNatsCluster> {
  const ports = await Promise.all(Array.from({ length: NODES }, () => freePort()))
  const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join(', ')
  const servers: NatsServer[] = await Promise.all(
    ports.map(async (port, index) => {
      const dataDir = await temporaryFolder()
      const configFile = join(dataDir, 'nats.conf')
      const cluster = `cluster { name: test, listen: "127.0.0.1:${port}", routes: [${routes}] }`
      await writeFile(configFile, `${cluster}\n${extraConfig}\n`)
      const name = `node-${index}`
      return startNatsServer({ serverPath: natsServerPath(), dataDir, port: 0, configFile, name, log: () => undefined })
    }),
  )
  return {
    nodes: servers.map(({ url, pid }, index) => ({
      name: `node-${index}`,
      url,
      freeze: () => freezeProcess(pid),
      thaw: () => process.kill(pid, 'SIGCONT'),
    })),
    urls: servers.map(({ url }) => url).join(','),
    stop: async () => {
      await Promise.all(servers.map((server) => server.kill('SIGKILL')))
    },
  }
}
