import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { freePort, isPortTaken, type NatsServer, ServerStartError, startNatsServer } from '@sluice/local-servers'
import { eventually } from './eventually.ts'
import { freezeProcess } from './freeze.ts'
import { natsServerPath, temporaryFolder } from './run-context.ts'

/** One server of a cluster. */
export interface ClusterNode {
  readonly name: string
  readonly url: string
  /** Stops the process (SIGSTOP): its connections stay open, the kernel accepts new ones, and nothing responds. */
  freeze(): void
  /** Lets a frozen process continue. */
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
const PORT_ATTEMPTS = 5

/**
 * Starts three real nats-servers that form a cluster with JetStream on disk, which only the caller uses. `extraConfig` is in nats-server's
 * format. `choosePort` returns the ports between the nodes: each node must know those of the others before any of them starts, so
 * another process may take one in between. The cluster then starts again, on other ports.
 */
export async function testNatsCluster({ extraConfig = '', choosePort = freePort } = {}): Promise<TestNatsCluster> {
  for (let attempt = 1; ; attempt++) {
    const ports = await Promise.all(Array.from({ length: NODES }, choosePort))
    const started = await Promise.allSettled(ports.map((_, index) => startNode(ports, index, extraConfig)))
    const servers = started.filter((node) => node.status === 'fulfilled').map(({ value }) => value)
    const failures = started.filter((node) => node.status === 'rejected').map(({ reason }): unknown => reason)
    if (failures.length === 0) {
      await Promise.all(servers.map(untilItKnowsAll))
      return clusterOf(servers)
    }
    await killAll(servers)
    const fault = failures.find((failure) => !isPortTaken(failure))
    if (fault !== undefined || attempt === PORT_ATTEMPTS) throw fault ?? failures[0]
  }
}

async function startNode(ports: readonly number[], index: number, extraConfig: string): Promise<NatsServer> {
  const dataDir = await temporaryFolder()
  const configFile = join(dataDir, 'nats.conf')
  const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join(', ')
  const cluster = `cluster { name: test, listen: "127.0.0.1:${ports[index]}", routes: [${routes}] }`
  await writeFile(configFile, `${cluster}\n${extraConfig}\n`)
  const output: string[] = []
  const listening = Promise.withResolvers<void>()
  const server = await startNatsServer({
    serverPath: natsServerPath(),
    dataDir,
    port: 0,
    configFile,
    name: nameOf(index),
    log: (line) => {
      output.push(line)
      if (line.includes('Listening for route connections')) listening.resolve()
    },
  })
  // nats-server says that it is ready, and only then takes the port between the nodes, or exits.
  const endedFirst = server.exited.then((reason) => {
    throw new ServerStartError(`${nameOf(index)} ended (${reason})`, output)
  })
  await Promise.race([listening.promise, endedFirst])
  // A test that ends the node later awaits that itself.
  endedFirst.catch(() => undefined)
  return server
}

/** Waits until `server` tells its clients of all nodes: a client that connects before knows no other node to go to. */
async function untilItKnowsAll({ port }: NatsServer): Promise<void> {
  await eventually(
    async () => {
      const socket = createConnection(port, '127.0.0.1')
      try {
        const [data] = (await once(socket, 'data')) as [Buffer]
        const [, json = ''] = /^INFO (.*)\r\n/.exec(data.toString()) ?? []
        const { connect_urls: urls = [] } = JSON.parse(json) as { readonly connect_urls?: readonly string[] }
        if (urls.length < NODES) throw new Error(`nats-server at port ${port} knows ${urls.length} of ${NODES} nodes`)
      } finally {
        socket.destroy()
      }
    },
    { timeoutMs: 20_000 },
  )
}

function clusterOf(servers: readonly NatsServer[]): TestNatsCluster {
  return {
    nodes: servers.map(({ url, pid }, index) => ({
      name: nameOf(index),
      url,
      freeze: () => freezeProcess(pid),
      thaw: () => process.kill(pid, 'SIGCONT'),
    })),
    urls: servers.map(({ url }) => url).join(','),
    stop: () => killAll(servers),
  }
}

async function killAll(servers: readonly NatsServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.kill()))
}

function nameOf(index: number): string {
  return `node-${index}`
}
